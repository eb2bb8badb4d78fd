"""The format of the record files: the one place that defines it.

A file belongs to one process. Each line is one record, a JSON array: the kind, then the
fields in the order of the named tuple below. It is appended by one ``write`` to a
descriptor opened with ``O_APPEND``, which survives the death of the process by any signal;
a last line without its newline was torn by that death and is dropped by the reader.
The first line is a `Process`. A reader must refuse another ``format`` than its own.

History of ``format``:
    1: the first.

Times are readings of ``time.monotonic_ns``. An execution is identified by
``(id, retries, received_ns)``: the broker repeats ids, attempts and even delivery tags, but
one worker never receives two messages in the same nanosecond.
"""

from __future__ import annotations

from typing import Any, NamedTuple

FORMAT = 1

StackFrames = list[tuple[str, int, str]]
"""Frames of a call stack, innermost first: path, line, function."""
QueryRow = list[Any]
"""``[alias, sql ref, phase, count, executemany count, time_ns, slow, slowest_ns, library, [[stack ref, sampled calls],
…]]``."""


class Process(NamedTuple):
    """A process opened its file."""

    format: int
    ns: int
    boot: str
    pid: int
    clock: str


class Ready(NamedTuple):
    """A worker's consumer runs. Written by the worker's main process."""

    ns: int
    node: str
    pool: str
    concurrency: int | None
    queues: list[str]
    registered: list[str]
    started: str
    visibility_timeout_s: float
    restore_delay_s: float
    celery: str
    priority_steps: list[int]


class Task(NamedTuple):
    """The options of a task, written before its first record in a process."""

    name: str
    acks_late: bool
    reject_on_worker_lost: bool
    ignore_result: bool
    max_retries: int | None
    default_retry_delay_s: float
    autoretry: bool
    retry_backoff: float
    retry_backoff_max_s: float
    retry_jitter: bool
    time_limit_s: float | None
    soft_time_limit_s: float | None
    defined: tuple[str, int, str] | None
    """Path, first line and name of its function."""


class Publishing(NamedTuple):
    """A message is about to be published, by the test or by a task."""

    ns: int
    token: str
    id: str
    root: str | None
    parent: str | None
    name: str
    retries: int
    queue: str | None
    priority: int | None
    countdown_s: float | None
    waited_s: float | None
    intended_ns: int | None = None
    """When an open loop meant it to be published."""
    expires_s: float | None = None
    """After how many seconds it was to expire."""


class Published(NamedTuple):
    """The publish returned: the broker has the message."""

    ns: int
    id: str
    retries: int


class Bulk(NamedTuple):
    """Copies of a message that the app had published before were put into the broker at once."""

    ns: int
    token: str
    name: str
    queue: str | None
    priority: int | None
    countdown_s: float | None
    waited_s: float | None
    confirmed: bool
    """Whether the broker said that it has them."""
    ids: list[str]
    intended_ns: list[int] | None
    """When an open loop meant each to be published."""


class Received(NamedTuple):
    """A worker's main process took a message."""

    ns: int
    token: str
    id: str
    root: str | None
    parent: str | None
    name: str
    retries: int
    tag: str
    queue: str | None
    priority: int | None
    redelivered: bool


class Message(NamedTuple):
    """What a worker's main process took, written if the message asks for its being delivered again."""

    ns: int
    id: str
    retries: int
    received_ns: int
    content: dict[str, Any]
    """As kombu's virtual transports put it into a queue."""


class Accepted(NamedTuple):
    """A worker's main process knows that a task has begun; written if its test may hurt the worker."""

    ns: int
    id: str
    retries: int
    received_ns: int


class Started(NamedTuple):
    """A process begins to run an execution."""

    ns: int
    id: str
    retries: int
    received_ns: int
    first: bool
    """Whether the process never ran this task before."""


class Finished(NamedTuple):
    """An execution ended in the process that ran it."""

    ns: int
    id: str
    retries: int
    received_ns: int
    outcome: str | None
    """A value of `model.record.Outcome`; None if the process was made to stop in mid-task."""
    body_started_ns: int | None
    body_ended_ns: int | None
    cpu_ns: int | None
    countdown_s: float | None
    error: list[Any] | None
    """``[type, message, frame or None]``."""
    queries: list[QueryRow] | None
    """None without Django and SQLAlchemy."""
    connects: int
    connect_ns: int
    unattributed: int
    injected: bool
    """Whether its body raised because a fault said so."""
    unstored: list[Any] | None = None
    """What kept its result from being stored, as ``error``."""
    unheard: bool = False
    """Whether its worker's main process does not hear of its end, so that its message stays unacknowledged."""


class Failed(NamedTuple):
    """The worker's main process reports the end of an execution that could not do so itself."""

    ns: int
    id: str
    outcome: str
    error: list[Any]


class Acknowledged(NamedTuple):
    """A message left the broker for good."""

    ns: int
    id: str
    retries: int
    received_ns: int


class Requeued(NamedTuple):
    """A message went back to its queue."""

    ns: int
    id: str
    retries: int
    received_ns: int


class Forgot(NamedTuple):
    """A worker's connection broke: it forgets what it had received and not begun. Written by its main process.

    Of what it runs it need not hear the end.
    """

    ns: int
    submitted: bool
    """Whether also what it had handed to its pool, which had not begun it."""


class Revoked(NamedTuple):
    """A message was discarded: revoked or expired."""

    ns: int
    id: str
    expired: bool


class Unknown(NamedTuple):
    """A message named a task that the worker does not know."""

    ns: int
    id: str
    name: str
    node: str


class Faulted(NamedTuple):
    """A fault is about to be carried out."""

    ns: int
    kind: str
    point: str
    id: str
    pid: int


class Touched(NamedTuple):
    """An execution is about to touch the outside world: written before it does, and before a fault strikes there."""

    ns: int
    id: str
    retries: int
    received_ns: int
    number: int
    """Counted per execution from 1; 0 for the acknowledgment, which another process makes."""
    kind: str
    """See `model.record.Point`."""
    label: str
    stack: int | None
    """The `Stack` from which it came, if the user's code is in it."""


class Answered(NamedTuple):
    """A database has answered an execution whose touch points are asked for: no lock keeps that any more."""

    ns: int
    id: str
    retries: int
    received_ns: int


class Measured(NamedTuple):
    """What an instrument found out about an execution whose message asks for it; written before its `Finished`."""

    ns: int
    id: str
    retries: int
    received_ns: int
    instrument: str
    rows: list[list[Any]]
    """As `probe.readings` defines them."""


class Statement(NamedTuple):
    """Defines a number that stands for a statement in this process's query rows."""

    ref: int
    sql: str


class Stack(NamedTuple):
    """Defines a number that stands for a call stack in this process's query rows."""

    ref: int
    frames: StackFrames


class Problem(NamedTuple):
    """Something went wrong inside the probe."""

    ns: int
    text: str


Record = (
    Process
    | Ready
    | Task
    | Publishing
    | Published
    | Bulk
    | Received
    | Message
    | Accepted
    | Started
    | Finished
    | Failed
    | Acknowledged
    | Requeued
    | Forgot
    | Revoked
    | Unknown
    | Faulted
    | Touched
    | Answered
    | Measured
    | Statement
    | Stack
    | Problem
)
