"""Who had to wait because of whom: tasks that were published beside a backlog of others."""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from operator import itemgetter
from typing import Self

from pytest_celery_perf.measure.lives import Deaths, Life, lives
from pytest_celery_perf.measure.phases import Clocks, phases_of, ready_ns
from pytest_celery_perf.measure.steps import Span, Steps, spans_where
from pytest_celery_perf.measure.workers import WorkerFigures, ended_ns, workers_of
from pytest_celery_perf.model.history import History
from pytest_celery_perf.model.record import Execution
from pytest_celery_perf.model.units import NS_PER_S


@dataclass(frozen=True, slots=True, kw_only=True)
class Wait:
    """The wait of one victim, until it was started the first time."""

    life: Life
    ready_ns: int
    """When it could be taken from the broker."""
    execution: Execution | None
    """Its first start; None if it had none."""
    worker: WorkerFigures | None
    """Who ran it; None as above."""
    until_ns: int
    """Its start, or else the last thing that the test knows of."""
    prefetched_s: float | None
    """The part of the wait that it lay in the worker's memory; None if it was never started."""
    overtaken: int
    """How many tasks of the flood the worker began meanwhile."""
    beside_flood: bool
    """Whether a task of the flood was waiting or running meanwhile."""
    beside_backlog: bool
    """Whether one was waiting."""
    behind: int
    """How many tasks of the flood had the slots of the worker while all of these were taken."""
    blocked_s: float
    """For how long all slots of the worker were taken, one of the flood among them."""

    @property
    def wait_s(self) -> float:
        """How long it waited, in seconds."""
        return max(0, self.until_ns - self.ready_ns) / NS_PER_S


@dataclass(frozen=True, slots=True, kw_only=True)
class Rivals:
    """The tasks of a flood and their victims, in one test."""

    flood: tuple[Life, ...]
    victims: tuple[Life, ...]
    history: History

    @classmethod
    def of(cls, flood: str, victim: str, history: History) -> Self:
        """Find them.

        Args:
            flood: The name of a task, or of a queue.
            victim: Likewise; what is of the flood is no victim.
            history: What happened.
        """
        every = lives(history)
        flooding = tuple(_named(flood, every))
        ids = {life.task_id for life in flooding}
        return cls(
            flood=flooding,
            victims=tuple(life for life in _named(victim, every) if life.task_id not in ids),
            history=history,
        )

    @property
    def comparable(self) -> bool:
        """Whether the times of all of them are of clocks that agree."""
        both = (*self.flood, *self.victims)
        boots = [publication.boot for life in both for publication in life.publications]
        boots += [execution.boot for life in both for execution in life.executions]
        return Clocks(self.history).agree(*boots)

    @property
    def backlog(self) -> Steps:
        """How many of the flood waited over time."""
        return Steps.of((ready_ns(life.publications[0]), _begun_ns(life)) for life in self.flood if life.publications)

    def waits(self) -> tuple[Wait, ...]:
        """Measure the wait of each victim."""
        deaths = Deaths.of(self.history)
        runs: dict[str, list[Execution]] = {}
        for execution in (each for life in self.flood for each in life.started):
            runs.setdefault(execution.boot, []).append(execution)
        flood = _Flood(
            fronts={
                figures.info.boot: _Front.of(figures, runs.get(figures.info.boot, []), deaths)
                for figures in workers_of(self.history)
            },
            there=Steps.of(
                (ready_ns(life.publications[0]), life.concluding.ended_ns if life.concluding else None)
                for life in self.flood
                if life.publications
            ),
            backlog=self.backlog,
            clocks=Clocks(self.history),
            end_ns=_end_ns(self.history),
        )
        return tuple(flood.wait_of(life) for life in self.victims if life.publications)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Front:
    """What a flood did to one worker, put in order once for all victims."""

    worker: WorkerFigures
    started_ns: list[int]
    """When each of the flood was started, ascending."""
    full: list[tuple[int, float]]
    """From when to when all slots were taken."""
    holding: tuple[list[float], list[float]]
    """When the slots were all taken first, and last, while one of the flood ran: each of these for all, ascending."""
    blocked: Steps
    """1 while all slots were taken, one of the flood among them."""

    @classmethod
    def of(cls, worker: WorkerFigures, flooding: list[Execution], deaths: Deaths) -> Self:
        slots = worker.info.concurrency or math.inf
        spans = [(each.started_ns or 0, ended_ns(each, deaths)) for each in flooding]
        full = [_closed(span) for span in spans_where(lambda active: active >= slots, worker.active)]
        held = [within for span in spans if (within := _shrunk(_closed(span), full)) is not None]
        return cls(
            worker=worker,
            started_ns=sorted(begin_ns for begin_ns, _ in spans),
            full=full,
            holding=(sorted(begin_ns for begin_ns, _ in held), sorted(end_ns for _, end_ns in held)),
            blocked=Steps.of(
                spans_where(lambda active, flood: active >= slots and flood > 0, worker.active, Steps.of(spans))
            ),
        )

    def begun(self, from_ns: int, until_ns: int) -> int:
        """Count those of the flood that were started between two times."""
        return max(0, bisect_left(self.started_ns, until_ns) - bisect_right(self.started_ns, from_ns))

    def behind(self, window: tuple[int, int]) -> int:
        """Count those of the flood that had a slot while all were taken."""
        within = _shrunk(window, self.full)
        if within is None:
            return 0
        # Both begin and end with full slots, so that they meet in such a time if they meet at all.
        begins, ends = self.holding
        return bisect_left(begins, within[1]) - bisect_right(ends, within[0])


@dataclass(frozen=True, slots=True, kw_only=True)
class _Flood:
    """A flood, put in order once for all victims."""

    fronts: dict[str, _Front]
    """By the boots of the workers."""
    there: Steps
    """How many waited or ran."""
    backlog: Steps
    clocks: Clocks
    end_ns: int
    """The last thing that the test knows of."""

    def wait_of(self, life: Life) -> Wait:
        """Measure the wait of a victim that was seen to be published."""
        execution = next(iter(life.started), None)
        since_ns = ready_ns(life.publications[0])
        until_ns = self.end_ns if execution is None or execution.started_ns is None else execution.started_ns
        window = (since_ns, until_ns)
        taken = execution or next(iter(life.executions), None)
        front = None if taken is None else self.fronts.get(taken.boot)
        held_ns = None
        if execution is not None:
            held_ns = phases_of(execution, life.publications[0], self.clocks).prefetch_ns
        return Wait(
            life=life,
            ready_ns=since_ns,
            execution=execution,
            worker=None if front is None else front.worker,
            until_ns=until_ns,
            prefetched_s=None if held_ns is None else held_ns / NS_PER_S,
            overtaken=0 if front is None else front.begun(until_ns - (held_ns or 0), until_ns),
            beside_flood=self.there.integral_s(*window) > 0,
            beside_backlog=self.backlog.integral_s(*window) > 0,
            behind=0 if front is None else front.behind(window),
            blocked_s=0.0 if front is None else front.blocked.integral_s(*window),
        )


def _closed(span: Span) -> tuple[int, float]:
    """Return a span that ends some time."""
    begin_ns, end_ns = span
    return begin_ns, math.inf if end_ns is None else end_ns


def _shrunk(span: tuple[int, float], within: list[tuple[int, float]]) -> tuple[float, float] | None:
    """Return a span from the first to the last moment that it shares with others; None if there is none.

    Args:
        span: From when to when.
        within: The others, in the order of time; they do not touch each other.
    """
    begin_ns, end_ns = span
    first = bisect_right(within, begin_ns, key=itemgetter(1))
    last = bisect_left(within, end_ns, key=itemgetter(0)) - 1
    if begin_ns >= end_ns or first > last:
        return None
    return max(begin_ns, within[first][0]), min(end_ns, within[last][1])


def _end_ns(history: History) -> int:
    known = [each.ended_ns or each.started_ns or each.received_ns or 0 for each in history.executions]
    return max([*known, *(snapshot.at_ns for snapshot in history.snapshots)], default=0)


def _named(name: str, every: Iterable[Life]) -> list[Life]:
    """Return the tasks of a name, or if there are none those of a queue."""
    every = tuple(every)
    tasks = [life for life in every if life.name == name]
    return tasks or [life for life in every if life.publications and life.publications[0].queue == name]


def _begun_ns(life: Life) -> int | None:
    return life.started[0].started_ns if life.started else None
