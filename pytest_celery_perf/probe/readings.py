"""What instruments tell of one execution: the rows of a `wire.Measured`, a named tuple for each instrument."""

from __future__ import annotations

from typing import NamedTuple

Place = tuple[str, int, str] | None
"""The innermost line of the user's code that did something: path, line, function."""


class Garbage(NamedTuple):
    """``garbage``, one row: the garbage collector."""

    collections: int
    paused_ns: int


class Memory(NamedTuple):
    """``memory``, one row: the resident set of its process."""

    before_bytes: int
    after_bytes: int
    peak_bytes: int | None


class Cpu(NamedTuple):
    """``cpu``, one row: the CPU time that the body took."""

    process_ns: int
    commands_ns: int


class Thread(NamedTuple):
    """``thread``, one row: what the body did while it had its thread."""

    held_ns: int
    running_ns: int
    ready_ns: int | None
    stuck_ns: int | None
    where: Place


class Payload(NamedTuple):
    """``payload``, one row: message and result as they are serialised."""

    message_bytes: int
    result_bytes: int | None


class Calls(NamedTuple):
    """``calls``, one row: the Python functions that the body called."""

    calls: int
    most: list[tuple[str, int, str, int]]
    """Those called most: path, line, function, how often."""


class Cached(NamedTuple):
    """``cache``, a row for each thing that was done with keys of a kind from one line."""

    alias: str
    event: str
    """``hit``, ``miss``, ``set``, ``touch`` or ``delete``."""
    key: str
    """Without numbers."""
    lasting: bool
    """Whether the key has no TTL from then on."""
    times: int
    where: Place


class Logged(NamedTuple):
    """``logs``, a row for each text that was logged from one line."""

    level: int
    text: str
    """The template, without its arguments and without numbers."""
    times: int
    where: Place


class Connected(NamedTuple):
    """``outbound``, a row for each host and port that was connected to from one line."""

    host: str
    port: int | None
    """None of a socket in the file system, whose path is the host."""
    made: int
    """Established, or under way."""
    failed: int
    where: Place


class Requested(NamedTuple):
    """``requests``, a row for each HTTP request of a kind from one line."""

    host: str
    port: int
    method: str
    path: str
    """Without the query, without numbers."""
    status: int | None
    """None if there was no response."""
    times: int
    where: Place


class Counted(NamedTuple):
    """``counters``, a row for each counter of the user's."""

    name: str
    amount: float
