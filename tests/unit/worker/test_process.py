from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from pytest_celery_perf.guard import Guard
from pytest_celery_perf.guard.processes import start_time
from pytest_celery_perf.model.spec import WorkerSpec
from pytest_celery_perf.probe.config import ProbeConfig
from pytest_celery_perf.worker.base import Launch
from pytest_celery_perf.worker.cold import Interpreter
from pytest_celery_perf.worker.process import ProcessRuntime

PATIENCE_S = 30.0

LEAVES_A_CHILD = """
import os, signal
child = os.fork()
if not child:
    signal.pause()
print(child, flush=True)
os._exit(0)
"""

MakeRuntime = Callable[[str], ProcessRuntime]


@pytest.fixture
def guard() -> Iterator[Guard]:
    with Guard() as guard:
        yield guard


@pytest.fixture
def make_runtime(guard: Guard, tmp_path: Path) -> MakeRuntime:
    """What runs a worker whose app does something else as soon as it is imported."""

    def make(app: str) -> ProcessRuntime:
        (tmp_path / "short_lived.py").write_text(app)
        return ProcessRuntime(launch_in(tmp_path), guard, Interpreter())

    return make


@pytest.fixture(params=["as on Linux", "as on macOS"])
def _platform(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """On macOS Python has `waitid` since 3.13 only, and descriptors of processes never."""
    if request.param == "as on macOS":
        for name in ("waitid", "pidfd_open"):
            monkeypatch.delattr(os, name, raising=False)


def launch_in(folder: Path) -> Launch:
    return Launch(
        spec=WorkerSpec(name="w"),
        node="w@here",
        app="short_lived",
        probe=ProbeConfig(spool=str(folder), doorbell=str(folder / "bell"), boot="b", clock="c"),
        environment=tuple(os.environ.items()),
        cwd=folder,
        log=folder / "log",
    )


@pytest.mark.usefixtures("_platform")
@pytest.mark.parametrize(
    ("app", "status"),
    [("import os; os._exit(3)", 3), ("import os; os.kill(os.getpid(), 9)", -signal.SIGKILL)],
)
def test_the_end_of_a_process_is_told(make_runtime: MakeRuntime, app: str, status: int) -> None:
    runtime = make_runtime(app)
    with closing(runtime.start()) as watch:
        assert watch.wait(PATIENCE_S)
        assert (runtime.peek(), runtime.peek()) == (status, status)
        runtime.remove()
        assert start_time(runtime.pid) is None


@pytest.mark.usefixtures("_platform")
def test_a_process_runs_until_it_is_killed(make_runtime: MakeRuntime) -> None:
    runtime = make_runtime("import signal; signal.pause()")
    with closing(runtime.start()) as watch:
        assert not watch.wait(0)
        assert runtime.peek() is None
        runtime.freeze()
        assert runtime.peek() is None
        runtime.thaw()
        runtime.kill(signal.SIGKILL)
        assert watch.wait(PATIENCE_S)
        assert runtime.peek() == -signal.SIGKILL
        runtime.remove()


@pytest.mark.usefixtures("_platform")
def test_what_an_ended_process_has_left_in_its_group_is_killed(make_runtime: MakeRuntime, tmp_path: Path) -> None:
    runtime = make_runtime(LEAVES_A_CHILD)
    with closing(runtime.start()) as watch:
        assert watch.wait(PATIENCE_S)
        assert runtime.peek() == 0
        child = int((tmp_path / "log").read_text())
        assert start_time(child) is not None
        runtime.kill(signal.SIGKILL)
        assert start_time(child) is None
        runtime.remove()


@pytest.mark.usefixtures("_platform")
def test_a_process_that_has_ended_is_signalled_no_more(make_runtime: MakeRuntime) -> None:
    runtime = make_runtime("import os; os._exit(0)")
    with closing(runtime.start()) as watch:
        assert watch.wait(PATIENCE_S)
        signal_in_all_ways(runtime)
        runtime.remove()


class Forgetful:
    """An origin whose process has ended and was reaped: a stranger has its number now."""

    def __init__(self, stranger: int) -> None:
        self._stranger = stranger

    def spawn(self, launch: Launch) -> int:
        return self._stranger

    def peek(self, pid: int) -> int | None:
        return 0

    def reap(self, pid: int) -> None:
        pass


def test_a_stranger_with_the_number_of_a_reaped_process_is_left_alone(guard: Guard, tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-S", "-c", "print(input(), flush=True); input()"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as stranger:
        assert stranger.stdin is not None
        assert stranger.stdout is not None
        runtime = ProcessRuntime(launch_in(tmp_path), guard, Forgetful(stranger.pid))
        with closing(runtime.start()):
            signal_in_all_ways(runtime)
            stranger.stdin.write("I am well\n")
            stranger.stdin.flush()
            assert stranger.stdout.readline() == "I am well\n"
            runtime.remove()


def signal_in_all_ways(runtime: ProcessRuntime) -> None:
    runtime.freeze()
    runtime.kill(signal.SIGTERM)
    runtime.kill(signal.SIGKILL)
    runtime.thaw()
    runtime.freeze()
