"""A worker, whatever it runs in."""

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
from pytest_celery_perf.worker.exits import ExitWatch
from pytest_celery_perf.worker.meters import Meter

_KILLED_S = 30.0
"""A killed process ends within milliseconds, unless the kernel holds it in a system call."""


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
    path: tuple[Path, ...] = ()
    """Folders from which the tests import, which ``environment`` names already."""
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


class Runtime(Protocol):
    """What a worker runs in, once: a process or a container, started, watched and removed."""

    def start(self) -> ExitWatch:
        """Start it, and return as soon as its main process exists.

        Raises:
            WorkerError: It could not be started.
        """

    @property
    def pid(self) -> int:
        """The main process, as this machine numbers it."""

    def peek(self) -> int | None:
        """Return how the main process ended.

        Returns:
            None while it runs; negative for the signal that killed it.
        """

    def kill(self, number: int) -> None:
        """Send a signal: SIGKILL to all processes, any other to the main process."""

    def freeze(self) -> None:
        """Stop all its processes, so that none of them notices."""

    def thaw(self) -> None:
        """Have its processes go on."""

    def unplug(self) -> None:
        """Take its network away.

        Raises:
            WorkerError: It has none of its own.
        """

    def plug(self) -> None:
        """Give its network back."""

    def send_signal(self, pid: int, number: int) -> bool:
        """Send a signal to one of its processes; see `Worker.send_signal`."""

    def is_asleep(self, pid: int) -> bool:
        """Tell whether one of its processes waits; see `Worker.is_asleep`."""

    def obstacle(self) -> str:
        """Say what may keep it from its broker, and what to do; empty if nothing is known."""

    def meter(self) -> Meter | None:
        """Return what reads its use: that of its main process, or of all its processes together; None if none can.

        Raises:
            WorkerError: It was not started.
        """

    def remove(self) -> None:
        """Remove what is left once the main process has ended."""


class Worker:
    """A worker that was, or shall be, started once; another start needs another object.

    Args:
        launch: What to start.
        runtime: What to start it in.
    """

    def __init__(self, launch: Launch, runtime: Runtime) -> None:
        self._launch = launch
        self._runtime = runtime
        self._watch: ExitWatch | None = None
        self._status: int | None = None

    def __repr__(self) -> str:  # type: ignore[explicit-override]  # from Python 3.12 on
        """Tell which it is and how it is, in a line."""
        said = " ".join((self._launch.node, *self._launch.spec.options))
        if self._watch is None and self._status is None:
            return f"Worker({said}: not started)"
        status = self.exit_status
        return f"Worker({said}: {f'pid {self.pid}' if status is None else describe_exit(status)})"

    @property
    def launch(self) -> Launch:
        """What it was started from."""
        return self._launch

    @property
    def started_how(self) -> str:
        """``warm``, or ``cold`` with the reason in brackets."""
        return self._launch.probe.started

    def start(self) -> None:
        """Start it and return as soon as its process exists; it is ready when the probe says so.

        Raises:
            WorkerError: It could not be started.
        """
        self._watch = self._runtime.start()

    @property
    def pid(self) -> int:
        """The main process, as this machine numbers it."""
        return self._runtime.pid

    @property
    def alive(self) -> bool:
        """Whether its main process runs."""
        return self.exit_status is None

    @property
    def exit_status(self) -> int | None:
        """None while it runs; negative for the signal that killed it."""
        if self._status is None:
            self._status = self._runtime.peek()
        return self._status

    @property
    def exit_fd(self) -> int:
        """A descriptor that becomes readable once the main process has ended; valid until `stop` returns."""
        if self._watch is None:
            raise WorkerError(f"worker {self._launch.node} is not running")
        return self._watch.fd

    def kill(self, number: int = signal.SIGKILL) -> None:
        """Send a signal: SIGKILL to it and all its descendants, any other to its main process."""
        if self._watch is not None:
            self._runtime.kill(number)

    def send_signal(self, pid: int, number: int) -> bool:
        """Send a signal to one of its processes.

        Args:
            pid: The process, as it numbers itself.
            number: The signal; 0 only asks whether the process is there.

        Returns:
            Whether it is.
        """
        return self._runtime.send_signal(pid, number)

    def is_asleep(self, pid: int) -> bool:
        """Tell whether one of its processes waits for something to happen: it neither runs nor waits for a core.

        Args:
            pid: The process, as it numbers itself.

        Returns:
            True also where nobody can tell.
        """
        return self._runtime.is_asleep(pid)

    def freeze(self) -> None:
        """Stop all its processes, so that none of them notices, until `thaw` or its end."""
        self._runtime.freeze()

    def thaw(self) -> None:
        """Have its processes go on."""
        self._runtime.thaw()

    def unplug(self) -> None:
        """Take its network away, until `plug` or its end.

        Raises:
            WorkerError: It has none of its own.
        """
        self._runtime.unplug()

    def plug(self) -> None:
        """Give its network back."""
        self._runtime.plug()

    def obstacle(self) -> str:
        """Say what may keep it from its broker, and what to do; empty if nothing is known."""
        return self._runtime.obstacle()

    def meter(self) -> Meter | None:
        """Return what reads its use; see `Runtime.meter`.

        Raises:
            WorkerError: It was not started.
        """
        return self._runtime.meter()

    def stop(self, grace_s: float, *, drained: bool = False) -> None:
        """Have it end, and leave nothing behind. May be called again, and after it died.

        Args:
            grace_s: Seconds for Celery's warm shutdown, after which it is killed.
            drained: Nothing is left to lose, so that it is killed at once.
        """
        if self._watch is None:
            return
        if not drained and self.alive:
            self.kill(signal.SIGTERM)
            self._watch.wait(grace_s)
        self.kill()  # also what a worker that ended by itself has left behind
        self._watch.wait(_KILLED_S)
        self._status = self.exit_status
        self._runtime.remove()
        self._watch.close()
        self._watch = None

    def log_tail(self, lines: int = 20) -> tuple[str, ...]:
        """Return the last lines that it printed."""
        return tail(self._launch.log, lines)


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
    return WorkerError(f"worker {worker.launch.node} {ending} {when}; {_last_words(worker)}")


def not_ready(worker: Worker, after_s: float) -> WorkerError:
    """Make the error for a worker that runs, but does not consume.

    Args:
        worker: It was started.
        after_s: Seconds that it was given.
    """
    obstacle = worker.obstacle()
    why = f" ({obstacle})" if obstacle else ""
    return WorkerError(f"worker {worker.launch.node} was not ready after {after_s:.0f} s{why}; {_last_words(worker)}")


def _last_words(worker: Worker) -> str:
    lines = worker.log_tail()
    return "\n".join(("its last lines:", *(f"    {line}" for line in lines))) if lines else "it printed nothing"
