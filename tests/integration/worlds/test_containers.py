"""Workers in containers do what those beside the tests do."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.integration.worlds.databases import Server
from tests.integration.worlds.town import Town

BROKEN = {"test_log", "test_stack"}

pytestmark = [pytest.mark.docker, pytest.mark.slow]


@pytest.fixture
def box(docker_client: Any) -> Iterator[str]:
    """The name of the worker; nothing of it is left afterwards."""
    name = f"box{secrets.token_hex(4)}"
    yield name
    assert docker_client.containers.list(all=True, filters={"name": name}) == []


@pytest.fixture
def run(town: Town, worker_image: str, box: str) -> Callable[..., None]:
    def run(*arguments: str, env: Mapping[str, str] | None = None) -> None:
        visit = town.visit(
            "containers", *arguments, env={"TOWN_IMAGE": worker_image, "TOWN_BOX": box} | dict(env or {})
        )
        cases = visit.inner.cases
        assert (len(cases), cases.keys() - visit.inner.passed) == (8, BROKEN), visit.inner.text
        assert f"log of worker {box}@" in visit.inner.text
        assert 'raise LookupError("over its own feet")' in visit.inner.text
        assert "in wait_for_nothing" in cases["test_stack"].message

    return run


def test_broker_on_loopback(run: Callable[..., None]) -> None:
    run()


def test_broker_in_a_container(run: Callable[..., None], redis_image: str) -> None:
    run("--celery-perf-broker=container", f"--celery-perf-image={redis_image}")


@pytest.mark.postgresql
def test_database_on_loopback(run: Callable[..., None], server: Server) -> None:
    run(env=server.environment)
    assert server.left == []


def test_an_image_with_a_user_of_its_own(town: Town, stranger_image: str, box: str, tmp_path: Path) -> None:
    folder = tmp_path / "tmp"
    folder.mkdir()
    env = {"TOWN_IMAGE": stranger_image, "TOWN_BOX": box, "TMPDIR": str(folder)}
    inner = town.visit("strangers", env=env).inner
    assert inner.cases.keys() - inner.passed == {"test_stack"}, inner.text
    assert len(inner.passed) == 3
    assert inner.lacks("test_stack", "in wait_for_nothing") == []
    assert list(folder.glob("*/run-*")) == []
