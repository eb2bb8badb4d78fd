"""One test, one worker, one task; run by `bench_session`.

pytest-celery, set up as its documentation says for an image of one's own and for Redis alone.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pytest_celery import (
    RESULT_TIMEOUT,
    CeleryBackendCluster,
    CeleryBrokerCluster,
    CeleryTestSetup,
    RedisContainer,
    RedisTestBackend,
    RedisTestBroker,
    ping,
)

REDIS = os.environ["CELERY_PERF_TEST_REDIS_IMAGE"]
WORKER = os.environ["CELERY_PERF_TEST_WORKER_IMAGE"]

if Path("/.dockerenv").exists():
    # It looks for the container's own port on localhost, where nothing answers if the tests run in a container too.
    RedisContainer.host_url = property(lambda redis: f"{redis.prefix()}{redis.ips.primary}/{redis.vhost}")


@pytest.fixture
def default_redis_broker_image() -> str:
    return REDIS


@pytest.fixture
def default_redis_backend_image() -> str:
    return REDIS


@pytest.fixture(scope="session")
def celery_base_worker_image(docker_client: Any) -> Any:
    return docker_client.images.get(WORKER)


@pytest.fixture
def default_worker_command(default_worker_container_cls: Any) -> list[str]:
    return ["env", "--chdir=/app", "python3", "-m", *default_worker_container_cls.command()]


@pytest.fixture
def celery_broker_cluster(celery_redis_broker: RedisTestBroker) -> Iterator[CeleryBrokerCluster]:
    cluster = CeleryBrokerCluster(celery_redis_broker)
    yield cluster
    cluster.teardown()


@pytest.fixture
def celery_backend_cluster(celery_redis_backend: RedisTestBackend) -> Iterator[CeleryBackendCluster]:
    cluster = CeleryBackendCluster(celery_redis_backend)
    yield cluster
    cluster.teardown()


def test_one_task(celery_setup: CeleryTestSetup) -> None:
    assert celery_setup.ready()
    assert ping.s().apply_async().get(timeout=RESULT_TIMEOUT) == "pong"
