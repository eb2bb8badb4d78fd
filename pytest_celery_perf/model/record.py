"""What is known about a task: the records of its messages and executions, joined and frozen.

All times that end in ``_ns`` are readings of CLOCK_MONOTONIC, comparable between the
processes and containers of one machine. What was not measured is ``None``, never zero.

Terms: an *attempt* is one try of a task as Celery counts them (``request.retries``); the
broker may deliver the same attempt several times, and each delivery is an `Execution` of
its own. One task without retries or crashes is one attempt and one execution.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from pytest_celery_perf.model.figures import UNMEASURED, Figures
from pytest_celery_perf.model.frame import Frame as Frame  # noqa: PLC0414 - a record has it


class Outcome(StrEnum):
    """How an execution ended; ``None`` in its place means that no end was recorded."""

    SUCCEEDED = "succeeded"
    FAILED = "failed"
    RETRIED = "retried"
    REJECTED = "rejected"
    IGNORED = "ignored"
    REVOKED = "revoked"
    LOST = "lost"
    """The worker's main process reported that the child which ran it was gone."""
    DEDUPLICATED = "deduplicated"
    """Celery found that the task had succeeded before, and did not run it again."""

    @property
    def final(self) -> bool:
        """Whether no further execution follows unless the broker redelivers."""
        return self is not Outcome.RETRIED


@dataclass(frozen=True, slots=True, kw_only=True)
class QueryUse:
    """One SQL statement as one execution used it."""

    alias: str
    """Of the database, such as ``default``; of SQLAlchemy the engine's ``logging_name``, else the database's name."""
    sql: str
    """The statement as it was handed to the cursor: with placeholders, without values."""
    phase: str
    """``body`` (the task's own function), ``connect`` (while a connection was being opened),
    ``hooks`` (everything else of the execution)."""
    count: int
    many: int
    """How many of ``count`` were ``executemany`` calls."""
    time_ns: int
    slow: int
    """How many of ``count`` took 100 ms or longer."""
    slowest_ns: int
    library: str
    """``django`` or ``sqlalchemy``, which sent it."""
    stacks: tuple[tuple[tuple[Frame, ...], int], ...]
    """User frames, innermost first, with the number of *sampled* calls from there. Sampled are
    the first 8 calls and then those at powers of two, so the numbers may add up to less than
    ``count``; a stack seen twice was certainly taken twice."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskError:
    """The exception that ended an execution."""

    type: str
    """Qualified name, such as ``builtins.ConnectionError``."""
    message: str
    where: Frame | None = None
    """The innermost line of the user's code in its traceback."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Execution:
    """One delivery of one attempt of one task, as far as it got."""

    task_id: str
    root_id: str
    parent_id: str | None
    name: str
    retries: int
    """Which attempt: 0 is the first."""
    delivery: int
    """Which delivery of that attempt, in order of receipt: 1 is the first."""
    redelivered: bool
    queue: str | None
    priority: int | None
    worker: str
    """The node name, such as ``execution@host``."""
    boot: str
    """Which start of that worker."""
    pool: str
    """``prefork``, ``threads``, ``solo`` or ``gevent``."""
    tag: str | None
    """The broker's delivery tag."""

    received_ns: int | None = None
    pid: int | None = None
    """The process that ran the task's body."""
    started_ns: int | None = None
    body_started_ns: int | None = None
    body_ended_ns: int | None = None
    ended_ns: int | None = None
    acknowledged_ns: int | None = None
    requeued_ns: int | None = None

    outcome: Outcome | None = None
    error: TaskError | None = None
    unstored: TaskError | None = None
    """What kept its result from being stored: it came to this outcome, but who waits for its result waits in vain."""
    countdown_s: float | None = None
    """Of a retried execution: the countdown that the task requested for the next attempt."""
    cpu_ns: int | None = None
    """CPU time of the executing thread in the task's own function; absent where threads are shared (gevent)."""
    queries: tuple[QueryUse, ...] = ()
    queries_counted: bool = True
    """Whether anybody counted them: without Django and SQLAlchemy nobody does."""
    connects: int = 0
    connect_ns: int = 0
    unattributed_queries: int = 0
    """Queries seen in its process that could belong to any of several running tasks."""
    children: int = 0
    """How many tasks it published; what follows it in a chain is one of them, its own next attempt is not."""
    first_in_process: bool = False
    """Whether it was the first execution of this task in its process (caches were cold)."""
    injected: bool = False
    """Whether the plugin made it raise (``celery_perf.fail``)."""
    figures: Figures = UNMEASURED
    """What its test has asked for besides."""

    @property
    def started(self) -> bool:
        """Whether a process began to run it."""
        return self.started_ns is not None

    @property
    def crashed(self) -> bool:
        """Whether it began and nothing recorded its end: the evidence of a crash."""
        return self.started_ns is not None and self.ended_ns is None

    @property
    def put_back(self) -> bool:
        """Whether it was refused, or ended by a time limit, and its message went back: another delivery shall do it."""
        return self.outcome in (Outcome.REJECTED, Outcome.FAILED) and self.requeued_ns is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """A point at which one execution was about to touch the outside world."""

    number: int
    """In the order of the execution, from 1."""
    kind: str
    """``started``, ``query``, ``commit`` and ``rollback`` (of an outermost transaction), ``cache`` (a write or delete),
    ``publish``, ``connect`` (neither to the broker nor to a database or cache of Django), ``result`` (stored, or told
    to a chord), ``finished`` or ``acknowledgment``."""
    label: str
    """What it touches, alike in all runs: the statement without values, the cache's key without numbers, the task and
    its queue, the host and port, the state. Before a statement and a key is the alias where that is not ``default``:
    ``archive: SELECT 1``."""
    task_id: str
    name: str
    retries: int
    delivery: int
    """Which delivery of that attempt, as in `Execution`."""
    at_ns: int
    stack: tuple[Frame, ...] = ()
    """The user's frames, innermost first."""

    @property
    def where(self) -> Frame | None:
        """The user's line that does it; None for what Celery does by itself."""
        return self.stack[0] if self.stack else None

    @property
    def at(self) -> str:
        """What a `FaultOrder` says to strike there."""
        return self.kind if self.kind == "acknowledgment" else f"touch:{self.number}"

    @property
    def expected(self) -> str:
        """What a `FaultOrder` says to strike only if the execution still touches the same there."""
        return f"{self.kind} {self.label}".rstrip()


@dataclass(frozen=True, slots=True, kw_only=True)
class Publication:
    """One message that was, or was to be, published: by the test or by a task of it."""

    task_id: str
    root_id: str
    parent_id: str | None
    name: str
    retries: int
    published_ns: int
    queue: str | None
    priority: int | None
    countdown_s: float | None = None
    """The delay that was requested, by ``countdown`` or ``eta``."""
    waited_s: float | None = None
    """The delay that was really asked of the worker, where it was compressed."""
    intended_ns: int | None = None
    """When an open loop meant it to be published, which it may have been later; ``None`` elsewhere."""
    expires_s: float | None = None
    """After how long it was to expire, by ``expires``: as was requested, or as was left of that for a retry."""
    confirmed: bool = True
    """False if the publish raised, or never returned: then nobody knows whether it was sent."""
    boot: str | None = None
    """The worker that published it; ``None`` for the test process."""
    discarded: Outcome | None = None
    """Why no worker will ever run it: revoked (or expired), or rejected as unknown."""
    expired: bool = False
    """Whether it was discarded because it had expired."""

    @property
    def due_ns(self) -> int:
        """The time from which its sender waits for it: that at which it was meant to be published, or was."""
        return self.published_ns if self.intended_ns is None else self.intended_ns


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskOptions:
    """The options of a task as the worker holds them."""

    name: str
    acks_late: bool
    reject_on_worker_lost: bool
    ignore_result: bool
    max_retries: int | None
    default_retry_delay_s: float
    autoretry: bool
    retry_backoff: float
    """The factor; 0 means no backoff."""
    retry_backoff_max_s: float
    retry_jitter: bool
    time_limit_s: float | None
    soft_time_limit_s: float | None
    defined: Frame | None = None
    """Where its function is, or the first of that function's decorators: what a reader has to change."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerInfo:
    """One start of one worker."""

    name: str
    boot: str
    pid: int
    pool: str
    concurrency: int | None
    """How many tasks it runs at once, at most."""
    queues: tuple[str, ...]
    registered: frozenset[str]
    """The names of the tasks that it knows."""
    ready_ns: int
    comparable_clock: bool
    """Whether its clock is the test process's; if not, phases across processes are absent."""
    visibility_timeout_s: float
    """As its app has configured it, or kombu's default: after so many seconds it has delivered again what anybody, dead
    or alive, has not acknowledged."""
    restore_delay_s: float
    """How many more seconds may pass until it looks."""
    celery: str = ""
    """Its version of Celery; empty if it has not told."""
    priority_steps: tuple[int, ...] = ()
    """The priorities that its transport keeps apart: those between two steps count as the lower one."""
    started_how: str = "cold"
    """``warm`` (forked from the preloaded process) or ``cold``, with the reason in brackets."""
    children: tuple[tuple[int, int], ...] = ()
    """Of a prefork worker: (pid, when it began) of each process that was forked to run tasks, the dead included."""
