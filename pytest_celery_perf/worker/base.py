"""What every kind of worker offers to the runner."""

from __future__ import annotations

import signal
from collections import deque
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from pytest_celery_perf import containers
from pytest_celery_perf.errors import WorkerError
from pytest_celery_perf.model.spec import WorkerSpec
from pytest_celery_perf.probe.config import VARIABLE, ProbeConfig


@dataclass(frozen=True, slots=True, kw_only=True)
class Launch:
    """One start of one worker."""

    spec: WorkerSpec
    node: str
    """Its whole node name, such as ``execution@host``."""
    app: str
    """The app as Celery's ``-A`` takes it, such as ``config.celery:app``."""
    probe: ProbeConfig
    environment: tuple[tuple[str, str], ...]
    """All variables of the process, but for the probe's own."""
    cwd: Path
    """The project's directory."""
    log: Path
    """What the worker prints is appended here."""
    read_only: bool = False
    """In a container: whether the project's directory must not be written to."""

    @property
    def variables(self) -> dict[str, str]:
        """All variables, the probe's own included."""
        return {**dict(self.environment), VARIABLE: self.probe.dump()}


class Guard(containers.Guard, Protocol):
    """Whoever cleans up if this process is killed."""

    def process_group(self, pgid: int) -> None:
        """Take over a process group with all descendants."""

    def release_process_group(self, pgid: int) -> None:
        """Forget a process group that has ended."""


class Worker(Protocol):
    """A worker that was, or shall be, started once; another start needs another object."""

    @property
    def launch(self) -> Launch:
        """What it was started from."""

    @property
    def started_how(self) -> str:
        """``warm``, or ``cold`` with the reason in brackets."""

    def start(self) -> None:
        """Start it and return as soon as its process exists; it is ready when the probe says so.

        Raises:
            WorkerError: It could not be started.
        """

    @property
    def pid(self) -> int:
        """The main process, as this machine numbers it."""

    @property
    def alive(self) -> bool:
        """Whether its main process runs."""

    @property
    def exit_status(self) -> int | None:
        """None while it runs; negative for the signal that killed it."""

    @property
    def exit_fd(self) -> int:
        """A descriptor that becomes readable once the main process has ended; valid until `stop` returns."""

    def kill(self, number: int = signal.SIGKILL) -> None:
        """Send a signal: SIGKILL to it and all its descendants, any other to its main process."""

    def send_signal(self, pid: int, number: int) -> bool:
        """Send a signal to one of its processes.

        Args:
            pid: The process, as it numbers itself.
            number: The signal; 0 only asks whether the process is there.

        Returns:
            Whether it is.
        """

    def stop(self, grace_s: float, *, drained: bool = False) -> None:
        """Have it end, and leave nothing behind. May be called again, and after it died.

        Args:
            grace_s: Seconds for Celery's warm shutdown, after which it is killed.
            drained: Nothing is left to lose, so that it is killed at once.
        """

    def log_tail(self, lines: int = 20) -> tuple[str, ...]:
        """Return the last lines that it printed."""


def tail(path: Path, lines: int, since: int = 0) -> tuple[str, ...]:
    """Return the last lines of a file that may not exist yet.

    Args:
        path: The file.
        lines: At most so many.
        since: Bytes to leave out at its beginning.
    """
    try:
        with path.open(encoding="utf-8", errors="replace") as file:
            file.seek(since)
            return tuple(line.rstrip() for line in deque(file, maxlen=lines))
    except FileNotFoundError:
        return ()


def describe_exit(status: int) -> str:
    """Say how a process ended, such as ``exited with status 2`` or ``was killed by SIGKILL``."""
    if status >= 0:
        return f"exited with status {status}"
    try:
        return f"was killed by {signal.Signals(-status).name}"
    except ValueError:
        return f"was killed by signal {-status}"


def died(worker: Worker, when: str) -> WorkerError:
    """Make the error for a worker that ended by itself.

    Args:
        worker: It has an exit status.
        when: Such as ``before it was ready``.
    """
    status = worker.exit_status
    ending = "is running" if status is None else describe_exit(status)
    lines = worker.log_tail()
    said = "\n".join(("its last lines:", *(f"    {line}" for line in lines))) if lines else "it printed nothing"
    return WorkerError(f"worker {worker.launch.node} {ending} {when}; {said}")
