"""Who had to wait because of whom: tasks that were published beside a backlog of others."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

from pytest_celery_perf.measure.lives import Life, lives
from pytest_celery_perf.measure.phases import Clocks, phases_of, ready_ns
from pytest_celery_perf.measure.steps import Steps, lasting_s
from pytest_celery_perf.measure.workers import WorkerFigures, workers_of
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
        workers = {figures.info.boot: figures for figures in workers_of(self.history)}
        runs = [execution for life in self.flood for execution in life.started]
        there = Steps.of(
            (ready_ns(life.publications[0]), life.concluding.ended_ns if life.concluding else None)
            for life in self.flood
            if life.publications
        )
        return tuple(self._wait(life, workers, runs, there, self.backlog) for life in self.victims if life.publications)

    def _wait(
        self, life: Life, workers: dict[str, WorkerFigures], runs: list[Execution], there: Steps, backlog: Steps
    ) -> Wait:
        execution = next(iter(life.started), None)
        since_ns = ready_ns(life.publications[0])
        until_ns = self._end_ns if execution is None or execution.started_ns is None else execution.started_ns
        window = (since_ns, until_ns)
        held = execution or next(iter(life.executions), None)
        worker = None if held is None else workers.get(held.boot)
        flooding = [each for each in runs if worker is not None and each.boot == worker.info.boot]
        held_ns = None
        if execution is not None:
            held_ns = phases_of(execution, life.publications[0], Clocks(self.history)).prefetch_ns
        return Wait(
            life=life,
            ready_ns=since_ns,
            execution=execution,
            worker=worker,
            until_ns=until_ns,
            prefetched_s=None if held_ns is None else held_ns / NS_PER_S,
            overtaken=sum(until_ns - (held_ns or 0) < (each.started_ns or 0) < until_ns for each in flooding),
            beside_flood=lasting_s(bool, window, there) > 0,
            beside_backlog=lasting_s(bool, window, backlog) > 0,
            behind=0 if worker is None else sum(_blocked_s(worker, [each], window) > 0 for each in flooding),
            blocked_s=0.0 if worker is None else _blocked_s(worker, flooding, window),
        )

    @property
    def _end_ns(self) -> int:
        known = [each.ended_ns or each.started_ns or each.received_ns or 0 for each in self.history.executions]
        return max([*known, *(snapshot.at_ns for snapshot in self.history.snapshots)], default=0)


def _named(name: str, every: Iterable[Life]) -> list[Life]:
    """Return the tasks of a name, or if there are none those of a queue."""
    every = tuple(every)
    tasks = [life for life in every if life.name == name]
    return tasks or [life for life in every if life.publications and life.publications[0].queue == name]


def _begun_ns(life: Life) -> int | None:
    return life.started[0].started_ns if life.started else None


def _blocked_s(worker: WorkerFigures, flooding: list[Execution], window: tuple[int, int]) -> float:
    """Return how long all slots of a worker were taken, one of these executions among them, in seconds."""
    slots = worker.info.concurrency
    running = Steps.of((each.started_ns or 0, each.ended_ns) for each in flooding)
    if not slots:
        return 0.0
    return lasting_s(lambda active, of_flood: active >= slots and of_flood > 0, window, worker.active, running)
