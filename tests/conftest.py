"""What the tests need of the machine: a test marked ``docker``, ``postgresql`` or ``gevent`` is skipped without it.

Where ``CELERY_PERF_REQUIRE`` names it (``docker,postgresql``), the tests fail instead: CI must not pass by skipping.
"""

from __future__ import annotations

import functools
import importlib.util
import os
import secrets
import signal
from collections.abc import Iterator
from contextlib import closing
from io import BytesIO
from typing import Any, NoReturn

import pytest

REDIS_IMAGE = os.environ.get("CELERY_PERF_TEST_REDIS_IMAGE", "celery-perf-test/redis:bookworm")
WORKER_IMAGE = os.environ.get("CELERY_PERF_TEST_WORKER_IMAGE", "celery-perf-test/worker:bookworm")
POSTGRES = os.environ.get("CELERY_PERF_TEST_POSTGRES", "postgresql://celery_perf@127.0.0.1:5432/celery_perf")
"""A database whose user may create others."""

PATIENCE_S = 60
"""For what answers at once on a machine that is not busy: each test of this process believes the first answer."""

INDEPENDENT = "tests/regressions/"
"""Where no test uses what another one has started."""


@functools.cache
def lack_of_docker() -> str | None:
    from pytest_celery_perf.broker.engine import docker_available

    docker = docker_available(REDIS_IMAGE, timeout=PATIENCE_S)
    if docker.available:
        return None
    return f"Docker {docker.reason}; start it, and build {REDIS_IMAGE} with .ci/build-images"


@functools.cache
def lack_of_postgresql() -> str | None:
    try:
        import psycopg
    except ImportError:
        return "needs psycopg: pip install 'psycopg[binary]'"
    try:
        psycopg.connect(POSTGRES, connect_timeout=PATIENCE_S).close()
    except psycopg.Error as error:
        return f"PostgreSQL does not answer at {POSTGRES} ({error}); start one, or set CELERY_PERF_TEST_POSTGRES"
    return None


@functools.cache
def lack_of_gevent() -> str | None:
    return None if importlib.util.find_spec("gevent") else "needs gevent: pip install 'pytest-celery-perf[gevent]'"


LACKS = {"docker": lack_of_docker, "postgresql": lack_of_postgresql, "gevent": lack_of_gevent}


def pytest_configure() -> None:
    # What runs in the background is deaf to Ctrl-C, under nohup to the terminal's end too, and children inherit that:
    # the tests that interrupt a pytest would wait for ever. A handler, unlike deafness, is not inherited.
    for number, handler in ((signal.SIGINT, signal.default_int_handler), (signal.SIGHUP, lambda *_: None)):
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, handler)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """With ``--dist=loadfile`` a file's tests go to one process, since they share what they have started.

    Those that share nothing go to any: they take long, and all would wait for the one that had their file.
    """
    if config.getoption("dist") != "loadfile":
        return None
    from xdist.scheduler import LoadFileScheduling

    scheduler: Any = LoadFileScheduling(config, log)
    file_of = scheduler._split_scope
    scheduler._split_scope = lambda test: test if test.startswith(INDEPENDENT) else file_of(test)
    return scheduler


def pytest_runtest_setup(item: pytest.Item) -> None:
    for name, lack_of in LACKS.items():
        if item.get_closest_marker(name) and (lack := lack_of()):
            _do_without(name, lack)


def _do_without(name: str, lack: str) -> NoReturn:
    required = os.environ.get("CELERY_PERF_REQUIRE", "")
    if name in required.split(","):
        pytest.fail(f"CELERY_PERF_REQUIRE={required}: {lack}", pytrace=False)
    pytest.skip(lack)


@pytest.fixture(scope="session")
def redis_image() -> str:
    """The image of container brokers; for tests marked ``docker``."""
    return REDIS_IMAGE


@pytest.fixture(scope="session")
def docker_client() -> Iterator[Any]:
    """A client of the Docker engine; for tests marked ``docker``."""
    import docker

    with closing(docker.from_env(timeout=PATIENCE_S)) as client:
        yield client


@pytest.fixture(scope="session")
def worker_image(docker_client: Any) -> str:
    """The image of container workers; for tests marked ``docker``."""
    if not docker_client.images.list(name=WORKER_IMAGE):
        _do_without("docker", f"needs the image {WORKER_IMAGE}; build it with .ci/build-images")
    return WORKER_IMAGE


@pytest.fixture
def stranger_image(docker_client: Any, worker_image: str) -> Iterator[str]:
    """That image with another user than the tests have; for tests marked ``docker``.

    To be asked for before whatever runs in it: nobody can remove an image in use, only its tag.
    """
    tag = f"celery-perf-test/stranger:{secrets.token_hex(4)}"
    # Of the same lines the engine would make one image for all tests, each of which has it removed.
    dockerfile = BytesIO(f"FROM {worker_image}\nLABEL test={tag}\nUSER 4711:4711\n".encode())
    docker_client.images.build(fileobj=dockerfile, tag=tag, rm=True, forcerm=True)
    yield tag
    docker_client.images.remove(tag, force=True)


@pytest.fixture(scope="session")
def postgres_dsn() -> str:
    """A database whose user may create others; for tests marked ``postgresql``."""
    return POSTGRES
