"""Nothing survives a test run, however it ends."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

import pytest

from tests.integration.survival.camp import Camp

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="finds processes by their environment in /proc")

XDIST = ("-p", "xdist", "-n", "2")


def test_tests_of_every_kind(camp: Camp) -> None:
    status = camp.run("ended.py")

    assert status == pytest.ExitCode.TESTS_FAILED
    assert "1 failed, 2 passed, 2 errors" in camp.said(), camp.said()
    assert not camp.processes()
    assert not camp.directories()


@pytest.mark.parametrize("mishap", ["collection_finish", "runtest_logreport", "sessionfinish", "unconfigure"])
def test_an_internal_error(camp: Camp, mishap: str) -> None:
    assert camp.run("ended.py", "-k", "test_passes", mishap=mishap) != pytest.ExitCode.OK

    assert f"a bug in {mishap}" in camp.said()
    camp.assert_abandoned()


@pytest.mark.parametrize("test", ["test_waits_for_its_tasks", "test_is_interrupted_in_its_body"])
@pytest.mark.parametrize("whom", ["pytest", "group"])
def test_an_interrupt(camp: Camp, whom: str, test: str) -> None:
    process = camp.start_busy("occupied.py", "-k", test)

    (os.kill if whom == "pytest" else os.killpg)(process.pid, signal.SIGINT)

    assert process.wait(60) == pytest.ExitCode.INTERRUPTED, camp.said()
    assert "KeyboardInterrupt" in camp.said()
    assert (camp.folder / "users").read_text() == "", "workers must be gone before the database is flushed"
    assert not camp.processes()
    assert not camp.directories()


def test_an_impatient_interrupt(camp: Camp) -> None:
    process = camp.start_busy("occupied.py", "-k", "1")

    while process.poll() is None:
        os.killpg(process.pid, signal.SIGINT)

    camp.assert_abandoned()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGKILL])
def test_a_kill(camp: Camp, number: signal.Signals) -> None:
    process = camp.start_busy("occupied.py", "-k", "interrupted")
    assert camp.directories()

    process.send_signal(number)

    assert process.wait(60) == -number, camp.said()
    camp.assert_abandoned()


def test_an_exit_without_clean_up(camp: Camp) -> None:
    assert camp.run("occupied.py", mishap="exit") == 1

    assert camp.tasks()
    camp.assert_abandoned()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_the_end_of_an_xdist_controller(camp: Camp, number: signal.Signals) -> None:
    process = camp.start_busy(*XDIST, "occupied.py", "-k", "waits", tasks=2)

    process.send_signal(number)

    process.wait(60)
    camp.assert_abandoned()


def test_an_interrupt_of_all_of_xdist(camp: Camp) -> None:
    process = camp.start_busy(*XDIST, "occupied.py", "-k", "waits", tasks=2)

    os.killpg(process.pid, signal.SIGINT)

    process.wait(60)
    camp.assert_abandoned()


def test_the_death_of_an_xdist_worker(camp: Camp) -> None:
    """Its own things go at once, the others' stay; the run ends in order."""
    process = camp.start_busy(*XDIST, "occupied.py", "-k", "waits", "--celery-perf-timeout=20s", tasks=2)
    workers = [pid for pid in camp.processes("exec(eval(") if _parent(pid) == process.pid]
    assert len(workers) == 2
    before = len(camp.directories())

    os.kill(workers[0], signal.SIGKILL)

    camp.until(lambda: len(camp.directories()) < before or process.poll() is not None, "its directory is gone")
    assert process.poll() is None, camp.said()
    assert process.wait(90) == pytest.ExitCode.TESTS_FAILED, camp.said()
    assert "crashed" in camp.said()
    assert not camp.processes()
    assert not camp.directories()


def test_the_next_run_removes_what_a_killed_guard_has_left(camp: Camp) -> None:
    process = camp.start_busy("occupied.py", "-k", "1")
    (guard,) = camp.processes("pytest_celery_perf.guard")
    (left,) = camp.directories()

    os.kill(guard, signal.SIGKILL)
    process.kill()
    process.wait()
    assert left.exists()
    # Workers and the server die with pytest all the same; only what tasks have started themselves stays.
    camp.until(
        lambda: not camp.processes("pytest_celery_perf") and not camp.processes("-server"), "only strays are left"
    )

    assert camp.run("ended.py", "-k", "test_passes") == pytest.ExitCode.OK, camp.said()
    assert not camp.directories()


def _parent(pid: int) -> int:
    return int(Path("/proc", str(pid), "stat").read_text().rpartition(")")[2].split()[1])


@pytest.mark.parametrize(
    ("number", "status"),
    [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGKILL, -9)],
    ids=["interrupt", "terminate", "kill"],
)
def test_the_end_of_the_command(camp: Camp, number: signal.Signals, status: int) -> None:
    command = Path(sys.executable).with_name("celery-perf")
    options = ("--app=camp:app", "--broker=process", "--pools=prefork:2", f'--args=["{camp.busy}"]')
    process = camp.spawn(str(command), "pools", "camp.occupy", *options)
    camp.await_tasks(process)

    process.send_signal(number)

    assert process.wait(60) == status, camp.said()
    assert "Traceback" not in camp.said()
    camp.assert_abandoned()
