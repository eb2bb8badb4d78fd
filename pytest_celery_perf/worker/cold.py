"""The usual, cold way to start a worker: a fresh process that imports everything anew."""

from __future__ import annotations

import os
import subprocess
import sys

from pytest_celery_perf.errors import WorkerError
from pytest_celery_perf.probe.processes import tether
from pytest_celery_perf.worker.base import Launch
from pytest_celery_perf.worker.options import command_options


class Interpreter:
    """Starts workers by the interpreter that runs the tests."""

    def __init__(self) -> None:
        self._processes: dict[int, subprocess.Popen[bytes]] = {}

    def spawn(self, launch: Launch) -> int:
        """Start a process; see `Origin.spawn`."""
        command = [sys.executable, "-m", "pytest_celery_perf.probe", "-A", launch.app, "worker"]
        try:
            with launch.log.open("ab") as log:
                process = subprocess.Popen(
                    [*command, *command_options(launch.spec, launch.node)],
                    env={**launch.variables, **tether()},
                    cwd=launch.cwd,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                )
        except OSError as error:
            raise WorkerError(f"worker {launch.node} could not be started in {launch.cwd}: {error}") from error
        self._processes[process.pid] = process
        return process.pid

    def peek(self, pid: int) -> int | None:
        """Return how a process ended; 0, like `subprocess`, if somebody else has reaped it.

        Where Python cannot look without reaping, this reaps it.

        Source:
            Python has `os.waitid` on macOS since 3.13: https://github.com/python/cpython/issues/113536
        """
        if not hasattr(os, "waitid"):
            return self._processes[pid].poll()
        try:
            ended = os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        except ChildProcessError:
            return 0
        if ended is None:
            return None
        return ended.si_status if ended.si_code == os.CLD_EXITED else -ended.si_status

    def reap(self, pid: int) -> None:
        """Let a process that has ended go."""
        self._processes[pid].wait()  # and keep it: whoever watches the process may ask once more how it ended
