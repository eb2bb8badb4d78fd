"""What the gate says to its arms, and what they answer: a line of JSON each, over a socket.

An arm is a pytest process that has collected its tests and runs one of them whenever it is told to.
"""

from __future__ import annotations

import json
import socket
from contextlib import suppress
from dataclasses import dataclass
from typing import TypeVar

from pytest_celery_perf.errors import CeleryPerfError
from pytest_celery_perf.model.codec import decode, encode
from pytest_celery_perf.model.gate import ArmTest, TaskSample
from pytest_celery_perf.names import ARM

VARIABLE = ARM
"""The environment variable that makes a pytest process an arm: an `Assignment`, as text."""


class GateError(CeleryPerfError):
    """Two versions cannot be compared."""


class LateError(GateError):
    """The time was over, and an arm had not answered."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Assignment:
    """What an arm is told at its start."""

    name: str
    """``base`` or ``head``; also what the names of its test databases end with."""
    address: str
    """The path of the socket on which the gate listens."""
    shared: str
    """The broker of both, as `startup.Shared.dump` writes it."""
    slot: int
    """Which databases of the broker are its own."""
    config: dict[str, str]
    """Celery settings that this arm alone has: a JSON value by name."""
    cores: tuple[int, ...]
    """Where its workers run; empty: anywhere."""
    cold: bool = False
    """Whether they start cold, as those of one arm have to."""


# -- what the gate says --------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """Run a test once, and tell what it took."""

    nodeid: str
    measure: tuple[str, ...] = ()
    """Instruments for its executions."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Renew:
    """End all workers: the next run begins with fresh ones."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Leave:
    """End, as pytest ends after its last test."""


# -- what an arm answers -------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Joined:
    """It has collected its tests."""

    tests: tuple[ArmTest, ...]
    environment: dict[str, str]
    """Versions, as in the report file."""
    app_file: str
    """Where the app was imported from."""
    problem: str = ""
    """Why it has no tests to offer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    """A run is over."""

    complaint: str
    """Why it counts for nothing; empty if it passed."""
    duration_s: float
    samples: tuple[TaskSample, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Renewed:
    """No worker is left of those before."""


Message = Run | Renew | Leave | Joined | Ran | Renewed
_KINDS: dict[str, type[Message]] = {kind.__name__: kind for kind in (Run, Renew, Leave, Joined, Ran, Renewed)}
_M = TypeVar("_M", bound=Message)


class Channel:
    """One end of the socket between the gate and an arm.

    Args:
        connection: The connected socket; closed with the channel.
    """

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._file = connection.makefile("rwb")

    def send(self, message: Message) -> None:
        """Say or answer something.

        Raises:
            GateError: Nobody is at the other end.
        """
        line = json.dumps([type(message).__name__, encode(message)]).encode()
        try:
            self._file.write(line + b"\n")
            self._file.flush()
        except OSError as error:
            raise GateError(f"the other end of the comparison has gone: {error}") from None

    def receive(self, *kinds: type[_M]) -> _M | None:
        """Wait for what the other end says next.

        Args:
            kinds: What it may be.

        Returns:
            None if it has gone.
        """
        try:
            line = self._file.readline()
        except OSError:
            return None
        if not line.endswith(b"\n"):
            return None
        name, data = json.loads(line)
        kind = _KINDS[name]
        if kind not in kinds:
            raise GateError(f"expected {' or '.join(each.__name__ for each in kinds)}, and got {name}")
        return decode(kind, data)

    def fileno(self) -> int:
        """Return the descriptor that becomes readable when the other end says something, or goes."""
        return self._connection.fileno()

    def close(self) -> None:
        """Leave."""
        with suppress(OSError):  # what could not be said is tried once more
            self._file.close()
        self._connection.close()
