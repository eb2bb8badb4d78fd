"""Workers in containers do what those beside the tests do."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator, Mapping
from contextlib import closing

import pytest

from tests.integration.worlds.databases import Server
from tests.integration.worlds.town import Town

IMAGE = os.environ.get("CELERY_PERF_TEST_WORKER_IMAGE", "celery-perf-test/worker:bookworm")
BROKEN = {"test_log", "test_stack"}

pytestmark = [pytest.mark.docker, pytest.mark.slow]


@pytest.fixture
def box() -> Iterator[str]:
    """The name of the worker; nothing of it is left afterwards."""
    docker = pytest.importorskip("docker", reason="needs testcontainers: pip install pytest-celery-perf[container]")
    name = f"box{secrets.token_hex(4)}"
    with closing(docker.from_env(timeout=60)) as client:
        if not client.images.list(name=IMAGE):
            required = "docker" in os.environ.get("CELERY_PERF_REQUIRE", "").split(",")
            (pytest.fail if required else pytest.skip)(f"needs the image {IMAGE}; build it with .ci/build-images")
        yield name
        assert client.containers.list(all=True, filters={"name": name}) == []


def run(town: Town, box: str, *arguments: str, env: Mapping[str, str] | None = None) -> None:
    visit = town.visit("containers", *arguments, env={"TOWN_IMAGE": IMAGE, "TOWN_BOX": box} | dict(env or {}))
    cases = visit.inner.cases
    assert (len(cases), cases.keys() - visit.inner.passed) == (8, BROKEN), visit.inner.text
    assert f"log of worker {box}@" in visit.inner.text
    assert 'raise LookupError("over its own feet")' in visit.inner.text
    assert "in wait_for_nothing" in cases["test_stack"].message


def test_broker_on_loopback(town: Town, box: str) -> None:
    run(town, box)


def test_broker_in_a_container(town: Town, box: str, redis_image: str) -> None:
    run(town, box, "--celery-perf-broker=container", f"--celery-perf-image={redis_image}")


@pytest.mark.postgresql
def test_database_on_loopback(town: Town, box: str, server: Server) -> None:
    run(town, box, env=server.environment)
    assert server.left == []
