"""Judges the order in which tasks of different names leave a backlog."""

from __future__ import annotations

from bisect import bisect
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations, pairwise

from pytest_celery_perf.judge.subjects import Subject, fates, listed, nothing_to_judge, shortened
from pytest_celery_perf.measure.lives import Life, lives
from pytest_celery_perf.measure.phases import Clocks, ready_ns
from pytest_celery_perf.model.history import History
from pytest_celery_perf.model.record import Execution
from pytest_celery_perf.model.verdict import Check, Verdict

PRIORITY_STEPS = (0, 3, 6, 9)
"""kombu's default: priorities between two steps count as the lower one.

Source: ``PRIORITY_STEPS`` in kombu/transport/redis.py.
"""

REDIS_ORDER = "Redis serves priority 0 first and 9 last, the reverse of AMQP; a message without one counts as 0"
"""Source: kombu/transport/redis.py (its keys in ascending order of ``priority_steps``) and
kombu/transport/virtual/base.py (``default_priority``)."""

_ALL_STEPS = tuple(range(10))
_MORE_STEPS = "broker_transport_options = {'priority_steps': list(range(10))}"
_STARTS_SHOWN = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class _Entry:
    """A task that waited, until it was started the first time."""

    life: Life
    execution: Execution
    ready_ns: int
    """When it could be taken from the broker."""
    received_ns: int
    started_ns: int

    def waited_with(self, other: _Entry) -> bool:
        """Tell whether there was a time at which both waited."""
        return self.ready_ns < other.started_ns and other.ready_ns < self.started_ns

    def overtook(self, other: _Entry) -> bool:
        """Tell whether it started first though both waited.

        Two that the worker received in the right order and ran side by side are no evidence:
        which of two processes notes its start first is chance.
        """
        if self.started_ns >= other.started_ns or not self.waited_with(other):
            return False
        ended_ns = self.execution.ended_ns
        side_by_side = ended_ns is None or other.started_ns < ended_ns
        return not (other.received_ns < self.received_ns and side_by_side)


def judge_order(marker: str, order: Sequence[str], history: History) -> Verdict:
    """Judge who started first.

    A task is out of order if it started before one that stands earlier in the order and
    waited at the same time. Tasks that never waited together say nothing; a test in which
    two neighbours of the order never did judges nothing, and fails for that.

    Args:
        marker: Its name, for the verdict.
        order: Task names, first to last.
        history: What happened.
    """
    groups = {name: [life for life in lives(history) if life.name == name] for name in order}
    absent = next((name for name, group in groups.items() if not group), None)
    if absent is not None:
        return nothing_to_judge(marker, absent, history)
    every = tuple(life for group in groups.values() for life in group)
    subject = Subject(marker=marker, name=" → ".join(map(_short, groups)), lives=every, history=history)
    if not _comparable(every, history):
        reason = "the clocks of the publisher and the workers cannot be compared: who waited when is unknown"
        return subject.verdict((), (reason,), inconclusive=True)
    entries = {name: [entry for life in group if (entry := _entry(life)) is not None] for name, group in groups.items()}
    waiting = len(every) - sum(map(len, entries.values()))
    started = Check(metric="never started", budget="= 0", actual=f"{waiting}", ok=not waiting)
    alone = [pair for pair in pairwise(entries.values()) if not _ever_together(*pair)]
    backlog = Check(
        metric="backlog",
        budget="all wait together",
        actual=listed(f"{_name(first)} and {_name(second)} never did" for first, second in alone if first and second),
        ok=not alone,
    )
    overtaken = [
        (late, early)
        for first, second in combinations(entries.values(), 2)
        for early in first
        for late in second
        if late.overtook(early)
    ]
    inverted = Check(metric="out of order", budget="= 0", actual=f"{len(overtaken)}", ok=not overtaken)
    evidence = [
        _starts(entries),
        *shortened(overtaken, lambda pair: _told(*pair, subject)),
        *([fates(subject), *history.diagnosis.splitlines()] if waiting else []),
        REDIS_ORDER,
    ]
    checks = [inverted, *([] if started.ok else [started]), *([] if backlog.ok or waiting else [backlog])]
    return subject.verdict(checks, evidence, [*_advice(overtaken, order, history), *([_BACKLOG] if alone else [])])


_BACKLOG = (
    "let them wait: publish them behind a task that keeps the only process busy, on "
    "@pytest.mark.celery_worker(queues=…, concurrency=1, prefetch=1)"
)


def _entry(life: Life) -> _Entry | None:
    """Return a task's first start; None where it has none, or was not seen to be published."""
    execution = next((each for each in life.executions if each.started_ns is not None), None)
    if execution is None or execution.started_ns is None or execution.received_ns is None or not life.publications:
        return None
    return _Entry(
        life=life,
        execution=execution,
        ready_ns=ready_ns(life.publications[0]),
        received_ns=execution.received_ns,
        started_ns=execution.started_ns,
    )


def _comparable(every: Sequence[Life], history: History) -> bool:
    boots = [publication.boot for life in every for publication in life.publications]
    boots += [execution.boot for life in every for execution in life.executions]
    return Clocks(history).agree(*boots)


def _ever_together(first: Sequence[_Entry], second: Sequence[_Entry]) -> bool:
    return any(one.waited_with(other) for one in first for other in second)


def _starts(entries: dict[str, list[_Entry]]) -> str:
    ordered = sorted((entry for group in entries.values() for entry in group), key=lambda entry: entry.started_ns)
    return f"started: {listed((_short(entry.life.name) for entry in ordered), _STARTS_SHOWN)}"


def _told(late: _Entry, early: _Entry, subject: Subject) -> str:
    """Describe one inversion."""
    prefetched = ", already held by its worker by then" if late.received_ns < early.ready_ns else ""
    return (
        f"{late.life.label} ({_priority(late)}) started {subject.clock(late.started_ns)}{prefetched}, before "
        f"{early.life.label} ({_priority(early)}), which waited since {subject.clock(early.ready_ns)} and started "
        f"{subject.clock(early.started_ns)}"
    )


def _advice(overtaken: Sequence[tuple[_Entry, _Entry]], order: Sequence[str], history: History) -> Iterator[str]:
    for late, early in overtaken:
        mine, other = early.execution.priority or 0, late.execution.priority or 0
        names = f"{_short(early.life.name)} has {mine}, {_short(late.life.name)} has {other}"
        steps = _steps(early, history)
        if late.received_ns < early.ready_ns:
            yield "a worker takes messages ahead of need: prefetch=1 with acks_late=True takes only what it runs"
        elif early.execution.worker != late.execution.worker:
            yield f"{early.execution.worker} and {late.execution.worker} serve them: each keeps to its own order only"
        elif mine > other:
            yield f"the lower number is served first: {names}; turn them round"
        elif mine == other:
            yield (
                f"{names}: what has the same priority is served in the order of publishing, on any priority_steps; "
                f"{_different(order, steps)}"
            )
        elif _step(mine, steps) == _step(other, steps):
            yield f"{names}: {_one_step(steps)}"


def _steps(entry: _Entry, history: History) -> tuple[int, ...]:
    """Return the priorities that the worker of a task keeps apart."""
    told = (worker.priority_steps for worker in history.workers if worker.boot == entry.execution.boot)
    return next(told, ()) or PRIORITY_STEPS


def _step(priority: int, steps: tuple[int, ...]) -> int:
    return steps[bisect(steps, max(0, priority)) - 1]


def _different(order: Sequence[str], steps: tuple[int, ...]) -> str:
    """Say how the tasks of an order get priorities that the broker keeps apart."""
    more = f"{_MORE_STEPS} and " if len(order) > len(steps) else ""
    steps = _ALL_STEPS if more else steps
    chosen = (steps[number * (len(steps) - 1) // (len(order) - 1)] for number in range(len(order)))
    routes = ", ".join(f"'{name}': {{'priority': {each}}}" for name, each in zip(order, chosen, strict=True))
    return f"set {more}task_routes = {{{routes}}}, or priority= at the calls"


def _one_step(steps: tuple[int, ...]) -> str:
    """Say what to do where the broker does not keep two priorities apart."""
    told = ", ".join(map(str, steps))
    if steps == PRIORITY_STEPS:
        return (
            f"to kombu's default priority_steps ({told}) these are the same; set {_MORE_STEPS}, or priorities that are "
            "further apart"
        )
    return f"to the app's priority_steps ({told}) these are the same; set priorities that are further apart"


def _priority(entry: _Entry) -> str:
    priority = entry.execution.priority
    return "no priority" if priority is None else f"priority {priority}"


def _name(entries: Sequence[_Entry]) -> str:
    return _short(entries[0].life.name)


def _short(name: str) -> str:
    return name.rpartition(".")[2]
