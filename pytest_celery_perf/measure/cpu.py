"""How much of the CPU an execution took, and of the time in which it could have had it."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Self

from pytest_celery_perf.model.history import History
from pytest_celery_perf.model.record import Execution
from pytest_celery_perf.probe.pools import OWN_PROCESS

_LONGEST = 99
"""How many times its CPU time something may wait for a core: so it is if each core has to do for a hundred."""
_LONGER = 10
"""How many times longer commands may wait for a core than the thread that waits for them: sleepers go first."""


class Unseen(Enum):
    """What executions may have waited for while nobody could see it."""

    CORE = "a core"
    OTHERS = "a core, in other threads of theirs or commands"
    TURN = "the thread, or the lock of Python, that executions of a process share"


@dataclass(frozen=True, slots=True, kw_only=True)
class CpuShare:
    """Of the time in which some executions could have had a core, the share in which they had one."""

    low: float
    """If they waited for one only as far as that is known."""
    high: float
    """If they waited for as long as they may have."""
    unseen: Unseen | None
    """What most of the difference is about."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Body:
    """The CPU time of a task's own function, and the time in which it could have had it."""

    execution: Execution
    begins_ns: int
    ends_ns: int
    own_ns: int
    """CPU time of the execution's own thread."""
    others_ns: int
    """That of other threads and of commands."""
    ready_ns: int | None
    """For how long the thread waited for a core."""

    @classmethod
    def of(cls, execution: Execution) -> Self | None:
        """Return what is known of an execution; None if that is nothing."""
        taken_ns, thread = cpu_ns(execution), execution.figures.thread
        if taken_ns is None or execution.body_started_ns is None or execution.body_ended_ns is None:
            return None
        recorded_ns = taken_ns if execution.cpu_ns is None else execution.cpu_ns
        return cls(
            execution=execution,
            begins_ns=execution.body_started_ns,
            ends_ns=execution.body_ended_ns,
            own_ns=recorded_ns if thread is None else thread.running_ns,
            others_ns=max(0, taken_ns - recorded_ns),
            ready_ns=thread.ready_ns if thread else None,
        )

    @property
    def cpu_ns(self) -> int:
        """That of all."""
        return self.own_ns + self.others_ns

    @property
    def available_ns(self) -> int:
        """For how long it was not waiting for a core, as far as that is known."""
        thread, whole_ns = self.execution.figures.thread, self.ends_ns - self.begins_ns
        if thread is not None and self.execution.pool != "gevent":
            whole_ns = thread.held_ns  # it begins when the waits do: of those before, nobody knows
        return max(whole_ns - (self.ready_ns or 0), self.own_ns)

    @property
    def busy_ns(self) -> int:
        """For how long it may have kept others from the thread, or from Python's lock."""
        thread = self.execution.figures.thread
        if thread is not None and self.execution.pool == "gevent":
            return thread.held_ns
        return self.own_ns * (1 + _LONGEST) if self.ready_ns is None else self.own_ns + self.ready_ns


def cpu_ns(execution: Execution) -> int | None:
    """Return the CPU time of a task's own function.

    Returns:
        Nanoseconds: of its thread, or where the test asks for it of all threads of its process and of the commands that
        it ran; on gevent, where the test asks for it, of its greenlets. None where the thread was shared, or the
        function did not run.
    """
    use, thread = execution.figures.cpu, execution.figures.thread
    if use is not None:
        return use.process_ns + use.commands_ns
    return thread.running_ns if execution.cpu_ns is None and thread is not None else execution.cpu_ns


def cpu_share(executions: Iterable[Execution]) -> float | None:
    """Return which share of their runtime the CPU worked for some executions.

    Returns:
        CPU time over runtime, less the time in which no core was known to be free, each added up: near 0 for tasks that
        wait, near 1 for tasks that compute, more for those that compute on several cores; None if nothing is known.
    """
    bodies = _bodies(executions)
    available_ns = sum(each.available_ns for each in bodies)
    return sum(each.cpu_ns for each in bodies) / available_ns if available_ns else None


def cpu_shares(executions: Iterable[Execution], history: History) -> CpuShare | None:
    """Return between what the share of some executions is, by what they may have waited for.

    Args:
        executions: Those.
        history: Of all that ran in their processes beside them.

    Returns:
        The share; None if nothing is known.
    """
    bodies = _bodies(executions)
    available_ns = sum(each.available_ns for each in bodies)
    if not available_ns:
        return None
    taken_ns, own_ns, ready_ns = (
        sum(ns) for ns in zip(*((each.cpu_ns, each.own_ns, each.ready_ns or 0) for each in bodies), strict=True)
    )
    stretch = min(_LONGEST, _LONGER * ready_ns / own_ns) if own_ns else _LONGEST
    least_ns, unseen = 0.0, Counter[Unseen]()
    for each, turns_ns in zip(bodies, _turns_ns(bodies, _bodies(history.executions)), strict=True):
        known = each.ready_ns is not None
        waits = {
            Unseen.CORE: 0 if known else _LONGEST * each.own_ns,
            Unseen.OTHERS: each.others_ns * (stretch if known else _LONGEST),
            Unseen.TURN: turns_ns,
        }
        unseen.update({wait: round(ns) for wait, ns in waits.items() if ns})
        least_ns += max(each.available_ns - sum(waits.values()), min(each.cpu_ns, each.available_ns))
    return CpuShare(
        low=taken_ns / available_ns,
        high=taken_ns / least_ns if least_ns else 1.0,
        unseen=unseen.most_common(1)[0][0] if unseen else None,
    )


def _bodies(executions: Iterable[Execution]) -> list[_Body]:
    return [body for each in executions if (body := _Body.of(each)) is not None]


def _turns_ns(bodies: Sequence[_Body], every: Sequence[_Body]) -> Iterator[int]:
    """Yield for how long each may have waited while others of its process had the thread, or Python's lock."""
    processes: dict[tuple[str, int | None], list[_Body]] = {}
    for each in sorted(every, key=_begins_ns):
        processes.setdefault((each.execution.boot, each.execution.pid), []).append(each)
    longest_ns = max((each.ends_ns - each.begins_ns for each in every), default=0)
    for body in bodies:
        beside = processes.get((body.execution.boot, body.execution.pid), [])
        if body.execution.pool in OWN_PROCESS:
            beside = []
        first = bisect_left(beside, body.begins_ns - longest_ns, key=_begins_ns)
        until = bisect_left(beside, body.ends_ns, key=_begins_ns)
        yield sum(
            max(0, min(each.busy_ns, min(each.ends_ns, body.ends_ns) - max(each.begins_ns, body.begins_ns)))
            for each in beside[first:until]
            if each.execution is not body.execution
        )


def _begins_ns(body: _Body) -> int:
    return body.begins_ns
