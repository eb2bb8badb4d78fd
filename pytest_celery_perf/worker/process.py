"""A process of this machine in which a worker runs."""

from __future__ import annotations

import os
import signal
from typing import Protocol

from pytest_celery_perf.errors import WorkerError
from pytest_celery_perf.guard import is_asleep, is_running, kill_groups, signal_group
from pytest_celery_perf.worker.base import Guard, Launch
from pytest_celery_perf.worker.exits import ExitWatch
from pytest_celery_perf.worker.meters import Meter, meter_of


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
        """Return how a process ended, leaving it a zombie where that is possible.

        Returns:
            None while it runs; negative for the signal that killed it.
        """

    def reap(self, pid: int) -> None:
        """Let a process that has ended go."""


class ProcessRuntime:
    """A process that leads a session of its own; see `Runtime`.

    It stays unreaped until `remove`, so that its id means nobody else when it is signalled, unless its origin cannot
    look without reaping it (see `Interpreter.peek`), or is gone. Then somebody else may get the id, though not as long
    as anybody is left of its group. So once it has ended, `freeze`, `thaw` and `kill` do nothing, but that SIGKILL
    still ends the rest of its group if no process has the id.

    Source:
        POSIX.1, "Process ID Reuse".

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

    def start(self) -> ExitWatch:
        """Have its origin start it."""
        self._launch.log.parent.mkdir(parents=True, exist_ok=True)
        self._pid = self._origin.spawn(self._launch)
        self._guard.process_group(self._pid)
        return ExitWatch.of_process(self._pid, lambda: self.peek() is not None)

    @property
    def pid(self) -> int:
        """The process."""
        if self._pid is None:
            raise WorkerError(f"worker {self._launch.node} was not started")
        return self._pid

    def peek(self) -> int | None:
        """Ask its origin how it ended."""
        return self._origin.peek(self.pid)

    def kill(self, number: int) -> None:
        """Send a signal: SIGKILL to it and all its descendants, any other to it alone."""
        if number != signal.SIGKILL:
            if self.peek() is None:
                self.send_signal(self.pid, number)
        elif self.peek() is None or not is_running(self.pid):
            kill_groups([self.pid])

    def freeze(self) -> None:
        """SIGSTOP it and its children, which are all of its group."""
        if self.peek() is None:
            signal_group(self.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        """SIGCONT them."""
        if self.peek() is None:
            signal_group(self.pid, signal.SIGCONT)

    def unplug(self) -> None:
        """Refuse.

        Raises:
            WorkerError: Always.
        """
        raise WorkerError(f"worker {self._launch.node} has no network of its own: it is a process of this machine")

    def plug(self) -> None:
        """Do nothing, as nothing was taken."""

    def send_signal(self, pid: int, number: int) -> bool:
        """Send a signal to it or one of its children."""
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            return False
        return True

    def is_asleep(self, pid: int) -> bool:
        """Ask the kernel."""
        return is_asleep(pid)

    def obstacle(self) -> str:
        """Say that nothing is known, as it has the network of the tests."""
        return ""

    def meter(self) -> Meter | None:
        """Return what reads the main process."""
        return meter_of(self.pid)

    def remove(self) -> None:
        """Reap it."""
        self._origin.reap(self.pid)
        self._guard.release_process_group(self.pid)
