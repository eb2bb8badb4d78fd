"""What was measured of one execution because its test asked for it; `None` is what nobody measured, or no one can."""

from __future__ import annotations

from dataclasses import dataclass, field

from pytest_celery_perf.model.frame import Frame
from pytest_celery_perf.model.uses import CacheUse, HttpUse, LogUse, OutboundUse


@dataclass(frozen=True, slots=True, kw_only=True)
class GarbageUse:
    """What Python's garbage collector took."""

    collections: int
    paused_ns: int


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryUse:
    """The resident set of the process that ran it; the process ran nothing else meanwhile."""

    before_bytes: int
    after_bytes: int
    peak_bytes: int | None
    """At its highest, however short that was; None where the kernel does not tell."""

    @property
    def added_bytes(self) -> int | None:
        """What the execution added at its peak to what its process held before."""
        return None if self.peak_bytes is None else self.peak_bytes - self.before_bytes

    @property
    def kept_bytes(self) -> int:
        """What its process holds more after it than before."""
        return self.after_bytes - self.before_bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class CpuUse:
    """The CPU time that the task's own function took, wherever it was spent."""

    process_ns: int
    """By all threads of its process, which ran nothing else meanwhile."""
    commands_ns: int
    """By the commands that it ran, and waited for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ThreadUse:
    """What the task's own function did with its thread."""

    held_ns: int
    """How long it had the thread: on gevent, from when it got it to when it waited for something that gevent knows."""
    running_ns: int
    """How much of that it was on a core."""
    ready_ns: int | None
    """How much of that it was ready to run while no core was free; None where the kernel does not tell."""
    stuck_ns: int | None
    """On gevent: for how long it kept the thread at most that all share, neither running nor ready; None elsewhere."""
    where: Frame | None
    """On gevent: the line of the user's code that kept it, if it did so for long."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PayloadUse:
    """Message and result, as they are serialised."""

    message_bytes: int
    """The message's body, decompressed."""
    result_bytes: int | None
    """The result, with what Celery stores beside it; 0 if nothing is stored, None of a backend that serialises
    results by itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FunctionCalls:
    """A Python function, and how often it was called."""

    function: Frame
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CallUse:
    """The Python functions that the task's own function called in its thread, itself included."""

    count: int
    most: tuple[FunctionCalls, ...]
    """Those called most, in that order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """The figures of one execution, an attribute for each instrument."""

    garbage: GarbageUse | None = None
    memory: MemoryUse | None = None
    cpu: CpuUse | None = None
    thread: ThreadUse | None = None
    payload: PayloadUse | None = None
    calls: CallUse | None = None
    cache: CacheUse | None = None
    logs: LogUse | None = None
    outbound: OutboundUse | None = None
    requests: HttpUse | None = None
    counters: dict[str, float] = field(default_factory=dict, hash=False)
    """What the task counted by itself, with ``pytest_celery_perf.count``; nobody needs to ask for it."""


UNMEASURED = Figures()
"""Of an execution whose test asks for nothing."""
