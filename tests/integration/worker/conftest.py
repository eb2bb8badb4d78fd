from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from itertools import count
from pathlib import Path

import pytest

from pytest_celery_perf.broker import binary
from pytest_celery_perf.broker.process import ProcessServer

from .workshop import Workshop, a_run


@pytest.fixture(scope="session")
def broker_urls(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Iterator[str]]:
    found, reasons = binary.find()
    if found is None:
        pytest.skip(f"no Redis server: {'; '.join(reasons)}")
    with a_run(tmp_path_factory.mktemp("broker")) as (run, guard):
        server = ProcessServer(found, directory=run.path / "server", guard=guard)
        try:
            yield map(server.start().url, count())
        finally:
            server.stop()


@pytest.fixture
def workshop(tmp_path: Path, broker_urls: Iterator[str]) -> Iterator[Workshop]:
    with a_run(tmp_path) as (run, guard), ExitStack() as stack:
        yield Workshop(stack, run, guard, next(broker_urls))
