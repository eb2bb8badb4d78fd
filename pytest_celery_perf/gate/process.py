"""The process in which an arm runs: one of this machine, or the main process of a container."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from pytest_celery_perf.gate.channel import GateError
from pytest_celery_perf.guard import signal_group, tethered
from pytest_celery_perf.worker.exits import ExitWatch


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """A call of some Python."""

    words: tuple[str, ...]
    """What comes after its name."""
    folder: Path
    """Where it runs."""
    variables: Mapping[str, str]
    """All that it has."""
    log: Path
    """What it prints is appended here."""


class Runtime(Protocol):
    """What an arm runs in, once."""

    def start(self) -> ExitWatch:
        """Start it, and return as soon as it exists.

        Raises:
            GateError: It could not be started.
        """

    def peek(self) -> int | None:
        """Return how it ended: None while it runs, negative for the signal that killed it."""

    def kill(self, number: int) -> None:
        """Send a signal to the arm alone: what it has started goes by its own guard."""

    def remove(self) -> None:
        """Remove what is left once it has ended."""


class LocalProcess:
    """A process of this machine; see `Runtime`.

    It is on no list of our guard, which would end the arm's own guard with it. It dies with this process, and then its
    guard cleans up behind it.

    Args:
        python: The path of its interpreter.
        command: What to start.
    """

    def __init__(self, python: str, command: Command) -> None:
        self._python = python
        self._command = command
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> ExitWatch:
        """Start it in a session of its own, so that what interrupts this process does not interrupt it as well."""
        command = self._command
        try:
            with command.log.open("ab") as log:
                process = subprocess.Popen(
                    tethered([self._python, *command.words]),
                    cwd=command.folder,
                    env=dict(command.variables),
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                )
        except OSError as error:
            raise GateError(f"{self._python} could not be started in {command.folder}: {error}") from error
        self._process = process
        return ExitWatch.of_process(process.pid, lambda: self.peek() is not None)

    def peek(self) -> int | None:
        """Ask the kernel how it ended."""
        return None if self._process is None else self._process.poll()

    def kill(self, number: int) -> None:
        """Send a signal to it, unless it has ended."""
        if self._process is not None:
            self._process.send_signal(number)

    def remove(self) -> None:
        """Reap it, and end what it has left in its group."""
        if self._process is not None:
            self._process.wait()
            signal_group(self._process.pid, signal.SIGKILL)
