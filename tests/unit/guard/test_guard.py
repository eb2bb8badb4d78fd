from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from pytest_celery_perf.errors import GuardError
from pytest_celery_perf.guard import Guard

pytestmark = pytest.mark.skipif(not hasattr(os, "pidfd_open"), reason="watches processes through Linux' pidfd")

# A test run in miniature: it starts a guard, a registered process that is not a child of its group's
# leader any more, and one that nobody registered; then it waits to be killed.
RUN = """
import json, os, subprocess, sys
from pathlib import Path
sys.path[:] = json.loads(sys.argv[1])
from pytest_celery_perf.guard import Guard
guard = Guard()
guard.start()
directory = Path(sys.argv[2])
directory.mkdir()
(directory / "file").touch()
guard.directory(directory)
pause = [sys.executable, "-S", "-c", "import signal; signal.pause()"]
registered = subprocess.Popen(pause, start_new_session=True)
guard.process_group(registered.pid)
forgotten = subprocess.Popen(pause, start_new_session=True, env={**os.environ, **guard.environment})
released = subprocess.Popen(pause, start_new_session=True)
guard.process_group(released.pid)
guard.release_process_group(released.pid)
holder = os.fork()  # a child that keeps the guard's pipe open
if not holder:
    os.setsid()
    import signal
    signal.pause()
print(json.dumps([guard.pid, registered.pid, forgotten.pid, released.pid, holder]), flush=True)
sys.stdin.read()
"""


def ended(descriptor: int, within_s: float) -> bool:
    return bool(select.select([descriptor], [], [], within_s)[0])


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_nothing_survives_a_killed_run(tmp_path: Path, number: signal.Signals) -> None:
    directory = tmp_path / "run"
    command = [sys.executable, "-c", RUN, json.dumps(sys.path), str(directory)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as run:
        assert run.stdout is not None
        pids = json.loads(run.stdout.readline())
        guard, registered, forgotten, released, holder = map(os.pidfd_open, pids)
        try:
            os.kill(pids[0], signal.SIGTERM)  # which ends pytest, but not its guard
            assert directory.exists()
            assert not ended(registered, 0)

            run.send_signal(number)

            assert ended(guard, 30)
            assert ended(registered, 0)
            assert ended(forgotten, 0)
            assert not ended(released, 0)
            assert not directory.exists()
        finally:
            for descriptor in (released, holder):
                signal.pidfd_send_signal(descriptor, signal.SIGKILL)
            for descriptor in (guard, registered, forgotten, released, holder):
                os.close(descriptor)


def test_close_removes_what_is_registered_and_leaves_what_was_released(tmp_path: Path) -> None:
    registered, released = tmp_path / "registered", tmp_path / "released"
    registered.mkdir()
    released.mkdir()
    with Guard() as guard:
        guard.directory(registered)
        guard.directory(released)
        guard.release_directory(released)

    assert [released] == list(tmp_path.iterdir())


def test_close_needs_no_end_of_the_pipe(tmp_path: Path) -> None:
    with Guard() as guard:
        process = guard._process
        assert process is not None
        assert process.stdin is not None
        held = os.dup(process.stdin.fileno())
        guard.directory(tmp_path / "a")

    assert process.returncode == 0
    os.close(held)


def test_close_twice_is_harmless_and_close_says_what_it_could_not_remove() -> None:
    guard = Guard()
    guard.start()
    guard.keys("redis://127.0.0.1:1/0", "celery-perf:test:")

    (problem,) = guard.close()

    assert problem.startswith("could not remove Keys(")
    assert "ConnectionError" in problem
    assert guard.close() == ()


def test_a_guard_that_was_killed_is_noticed(tmp_path: Path) -> None:
    guard = Guard()
    guard.start()
    assert guard.pid is not None
    descriptor = os.pidfd_open(guard.pid)
    os.kill(guard.pid, signal.SIGKILL)
    assert ended(descriptor, 30)
    os.close(descriptor)

    with pytest.raises(GuardError, match=r"the guard process \d+ has ended \(status -9\)"):
        guard.directory(tmp_path)
    guard.close()


def test_without_start_nothing_can_be_registered(tmp_path: Path) -> None:
    with pytest.raises(GuardError, match="the guard is not running: Directory"):
        Guard().directory(tmp_path)


def test_all_keys_of_a_foreign_server_cannot_be_registered() -> None:
    with Guard() as guard, pytest.raises(GuardError, match="prefix=''"):
        guard.keys("redis://localhost/0", "")
