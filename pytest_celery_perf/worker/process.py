"""A worker that is a process of this machine."""

from __future__ import annotations

import os
import signal
from typing import Protocol

from pytest_celery_perf.errors import WorkerError
from pytest_celery_perf.guard import kill_groups
from pytest_celery_perf.worker.base import Guard, Launch, tail
from pytest_celery_perf.worker.exits import ExitWatch

_KILLED_S = 30.0
"""A killed process ends within milliseconds, unless the kernel holds it in a system call."""


class Origin(Protocol):
    """Where processes come from: only their parent learns how they end."""

    def spawn(self, launch: Launch) -> int:
        """Start a process that leads a session of its own.

        Returns:
            Its process id.

        Raises:
            WorkerError: It could not be started.
        """

    def peek(self, pid: int) -> int | None:
        """Return how a process ended, leaving it a zombie.

        Returns:
            None while it runs; negative for the signal that killed it.
        """

    def reap(self, pid: int) -> None:
        """Let a process that has ended go."""


class ProcessWorker:
    """A worker whose main process leads a session of its own.

    It stays unreaped until `stop`, so that its id means nobody else when it is signalled.

    Args:
        launch: What to start.
        guard: Whoever cleans up if this process is killed.
        origin: Starts the process.
    """

    def __init__(self, launch: Launch, guard: Guard, origin: Origin) -> None:
        self._launch = launch
        self._guard = guard
        self._origin = origin
        self._pid: int | None = None
        self._watch: ExitWatch | None = None
        self._status: int | None = None

    @property
    def launch(self) -> Launch:
        """What it was started from."""
        return self._launch

    @property
    def started_how(self) -> str:
        """``warm``, or ``cold`` with the reason in brackets."""
        return self._launch.probe.started

    def start(self) -> None:
        """Start it; see `Worker.start`."""
        self._launch.log.parent.mkdir(parents=True, exist_ok=True)
        self._pid = self._origin.spawn(self._launch)
        self._guard.process_group(self._pid)
        self._watch = ExitWatch.of_process(self._pid, lambda: not self.alive)

    @property
    def pid(self) -> int:
        """The main process."""
        if self._pid is None:
            raise WorkerError(f"worker {self._launch.node} was not started")
        return self._pid

    @property
    def alive(self) -> bool:
        """Whether its main process runs."""
        return self.exit_status is None

    @property
    def exit_status(self) -> int | None:
        """None while it runs; negative for the signal that killed it."""
        if self._status is None:
            self._status = self._origin.peek(self.pid)
        return self._status

    @property
    def exit_fd(self) -> int:
        """Readable once the main process has ended; valid until `stop` returns."""
        if self._watch is None:
            raise WorkerError(f"worker {self._launch.node} is not running")
        return self._watch.fd

    def kill(self, number: int = signal.SIGKILL) -> None:
        """Send a signal: SIGKILL to it and all its descendants, any other to its main process."""
        if self._watch is None:
            return
        if number == signal.SIGKILL:
            kill_groups([self.pid])
        elif self.alive:
            os.kill(self.pid, number)

    def send_signal(self, pid: int, number: int) -> bool:
        """Send a signal to one of its processes; see `Worker.send_signal`."""
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            return False
        return True

    def stop(self, grace_s: float, *, drained: bool = False) -> None:
        """Have it end, and leave nothing behind; see `Worker.stop`."""
        if self._watch is None:
            return
        if not drained and self.alive:
            self.kill(signal.SIGTERM)
            self._watch.wait(grace_s)
        self.kill()  # also what a worker that ended by itself has left behind
        self._watch.wait(_KILLED_S)
        self._status = self.exit_status
        self._origin.reap(self.pid)
        self._watch.close()
        self._watch = None
        self._guard.release_process_group(self.pid)

    def log_tail(self, lines: int = 20) -> tuple[str, ...]:
        """Return the last lines that it printed."""
        return tail(self._launch.log, lines)
