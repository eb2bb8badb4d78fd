from __future__ import annotations

import errno
import os
import select
import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from pytest_celery_perf.guard.processes import MARK, is_asleep, is_running, kill_groups, signal_group, start_time
from pytest_celery_perf.guard.tether import tethered

# Prints its own pid and those of a child in its group and a grandchild that leads a session of its own.
FAMILY = """
import os, signal, sys
def spawn(new_session):
    reader, writer = os.pipe()
    pid = os.fork()
    if pid:
        os.read(reader, 1)
        return pid
    if new_session:
        os.setsid()
    os.write(writer, b"x")
    signal.pause()
if __name__ == "__main__":
    print(os.getpid(), spawn(False), spawn(True), flush=True)
    signal.pause()
"""

Family = tuple["subprocess.Popen[str]", list[int]]


@pytest.fixture
def family() -> Iterator[Family]:
    with subprocess.Popen(
        [sys.executable, "-c", FAMILY],
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
        env={**os.environ, MARK: "family"},
    ) as process:
        assert process.stdout is not None
        yield process, [int(pid) for pid in process.stdout.readline().split()]
        kill_groups([process.pid], "family")


def test_start_time_identifies_a_process() -> None:
    assert start_time(os.getpid()) == start_time(os.getpid()) != start_time(1)
    assert start_time(2**30) is None


def test_a_group_dies_with_descendants_that_left_it(family: Family) -> None:
    process, pids = family
    assert None not in [start_time(pid) for pid in pids]

    kill_groups([process.pid])

    assert [start_time(pid) for pid in pids] == [None] * 3


def test_a_process_runs_until_it_ends_reaped_or_not() -> None:
    with subprocess.Popen([sys.executable, "-S", "-c", "input()"], stdin=subprocess.PIPE) as process:
        assert is_running(process.pid)
        assert process.stdin is not None
        process.stdin.close()
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        assert not is_running(process.pid)
    assert not is_running(process.pid)


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere nobody tells")
@pytest.mark.parametrize(("does", "asleep"), [("input()", True), ("while True: pass", False)])
def test_a_process_is_asleep_while_it_waits_for_something_to_happen(does: str, asleep: bool) -> None:
    command = [sys.executable, "-S", "-c", f"print(flush=True)\n{does}"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        try:
            while is_asleep(process.pid) != asleep:
                pass
        finally:
            process.kill()


def test_a_signal_reaches_a_whole_group(family: Family) -> None:
    process, pids = family
    of_its_group = [os.pidfd_open(pid) for pid in pids[:2]]
    signal_group(process.pid, signal.SIGTERM)
    for descriptor in of_its_group:
        assert ([descriptor], [], []) == select.select([descriptor], [], [], 30)
        os.close(descriptor)


def test_a_signal_to_a_group_that_has_ended_does_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    with subprocess.Popen([sys.executable, "-S", "-c", ""], start_new_session=True) as process:
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        signal_group(process.pid, signal.SIGKILL)
    signal_group(process.pid, signal.SIGKILL)

    def killpg(group: int, number: int) -> None:
        raise PermissionError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "killpg", killpg)  # as on macOS, where a zombie is all that is left of it
    signal_group(process.pid, signal.SIGKILL)


@pytest.mark.skipif(sys.platform != "linux", reason="the environment of others is read from /proc")
def test_the_mark_finds_orphans_of_other_sessions(family: Family) -> None:
    process, pids = family
    process.kill()
    process.wait()
    assert None not in [start_time(pid) for pid in pids[1:]]

    kill_groups([], "somebody else's")
    assert None not in [start_time(pid) for pid in pids[1:]]

    kill_groups([], "family")
    assert [start_time(pid) for pid in pids[1:]] == [None] * 2


@pytest.mark.skipif(sys.platform != "linux", reason="prctl is Linux'")
def test_a_tethered_command_dies_with_its_parent() -> None:
    script = f"""
import subprocess, sys
sys.path[:] = {sys.path!r}
from pytest_celery_perf.guard.tether import tethered
child = "import signal; print('up', flush=True); signal.pause()"
child = subprocess.Popen(tethered([sys.executable, "-c", child]), stdout=subprocess.PIPE, start_new_session=True)
child.stdout.readline()
print(child.pid, flush=True)
sys.stdin.read()
"""
    with subprocess.Popen(
        [sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdout is not None
        child = os.pidfd_open(int(parent.stdout.readline()))
        assert select.select([child], [], [], 0) == ([], [], [])
        parent.kill()

    assert ([child], [], []) == select.select([child], [], [], 30)
    os.close(child)


@pytest.mark.skipif(sys.platform != "linux", reason="prctl is Linux'")
def test_a_command_is_tethered_from_the_main_thread_only() -> None:
    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(tethered, ["redis-server"]).result() == ["redis-server"]
    assert tethered(["redis-server"]) != ["redis-server"]
