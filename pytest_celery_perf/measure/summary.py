"""What a test's tasks did, in figures: the object that `celery_perf.run` returns."""

from __future__ import annotations

import statistics
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Self

from pytest_celery_perf.measure.distribution import Distribution
from pytest_celery_perf.measure.figures import asked_figures
from pytest_celery_perf.measure.growth import Growth, memory_growth
from pytest_celery_perf.measure.lives import Fate, Life, lives
from pytest_celery_perf.measure.phases import Clocks, Phases, end_to_end_ns, phases_of
from pytest_celery_perf.measure.queries import body_queries
from pytest_celery_perf.measure.queues import QueueFigures, queues_of
from pytest_celery_perf.measure.rates import Pace, duplicate_rate, failure_rate, retry_rate, share_within
from pytest_celery_perf.measure.scopes import scope_figures
from pytest_celery_perf.measure.workers import WorkerFigures, by_name, workers_of
from pytest_celery_perf.model.history import History
from pytest_celery_perf.model.record import Execution, Outcome
from pytest_celery_perf.model.samples import BrokerUse
from pytest_celery_perf.model.summary import ScopeFigure, TaskRow
from pytest_celery_perf.model.units import parse_duration_s
from pytest_celery_perf.model.uses import hit_ratio


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What became of the tasks, and how long it took them.

    Plain nouns are numbers, so that ``assert run.succeeded == 50`` reads as it is said.
    ``succeeded``, ``failed``, ``ignored``, ``rejected``, ``revoked``, ``lost`` and
    ``unfinished`` count *tasks* by their final state: each task is in exactly one of them.
    ``runtime``, ``queue`` and ``prefetch`` have a sample for each execution,
    ``end_to_end`` one for each task; see `measure.phases` for what each phase is.
    """

    history: History
    """The records that all this was computed from."""
    lives: tuple[Life, ...]
    """Each task with its publications and executions, in the order in which they were published."""
    runtime: Distribution
    """Of the tasks' own functions: one sample for each execution that ended."""
    queue: Distribution
    """Time in queue: one sample for each execution that was started and is no redelivery."""
    prefetch: Distribution
    """The part of the time in queue that was spent in a worker's memory."""
    end_to_end: Distribution
    """From the first publication to the end: one sample for each task that has ended."""
    by_task: Mapping[str, TaskRow]
    """Task name to the figures of its tasks, as the terminal shows them."""

    @classmethod
    def of(cls, history: History) -> Self:
        """Compute the figures of a history."""
        every = lives(history)
        clocks = Clocks(history)
        measured = [
            (execution, phases_of(execution, life.publication_of(execution), clocks))
            for life in every
            for execution in life.executions
        ]
        phases = [each for _, each in measured]
        return cls(
            history=history,
            lives=every,
            runtime=Distribution.from_samples((each.runtime_ns for each in phases), "runtime"),
            queue=Distribution.from_samples((each.queue_ns for each in phases), "time in queue"),
            prefetch=Distribution.from_samples((each.prefetch_ns for each in phases), "prefetch time"),
            end_to_end=Distribution.from_samples((end_to_end_ns(life, clocks) for life in every), "end-to-end time"),
            by_task=_rows(every, measured),
        )

    def __repr__(self) -> str:  # type: ignore[explicit-override]  # from Python 3.12 on
        """Tell the counts in a line, as a failed assertion shows them; the records would fill pages."""
        tasks = f"{self.tasks} task{'s' * (self.tasks != 1)}"
        fates = [f"{count} {fate}" for fate in Fate if (count := self._count(fate))]
        return f"Run({', '.join([tasks, *fates])}, executions {self.executions}, retried {self.retried}×)"

    @property
    def tasks(self) -> int:
        """How many tasks there were: children included, each counted once however often it was tried."""
        return len(self.lives)

    @property
    def attempts(self) -> int:
        """How many attempts were begun: a task without retries is one, however often it was delivered."""
        return sum(life.attempts for life in self.lives)

    @property
    def executions(self) -> int:
        """How often a process began to run a task: retries and redeliveries included."""
        return sum(len(life.started) for life in self.lives)

    @property
    def retried(self) -> int:
        """How often a task asked to be tried again."""
        return sum(_retries(life) for life in self.lives)

    @property
    def succeeded(self) -> int:
        """Tasks that returned."""
        return self._count(Fate.SUCCEEDED)

    @property
    def failed(self) -> int:
        """Tasks that raised, and were not tried again."""
        return self._count(Fate.FAILED)

    @property
    def ignored(self) -> int:
        """Tasks that raised ``Ignore``."""
        return self._count(Fate.IGNORED)

    @property
    def rejected(self) -> int:
        """Tasks that raised ``Reject`` without putting the message back."""
        return self._count(Fate.REJECTED)

    @property
    def revoked(self) -> int:
        """Tasks that were revoked or expired."""
        return self._count(Fate.REVOKED)

    @property
    def lost(self) -> int:
        """Tasks that will never end: begun, gone with their process, and no longer in the broker."""
        return self._count(Fate.LOST)

    @property
    def unfinished(self) -> int:
        """Tasks that had not ended when the waiting was over."""
        return self._count(Fate.UNFINISHED)

    @property
    def pace(self) -> Pace | None:
        """How the tasks came and were worked off over time; None where clocks cannot be compared."""
        return Pace.of(self.lives, self.history)

    @property
    def throughput(self) -> float | None:
        """Tasks that ended in a second, from the first publication to the last end; None if none did."""
        return None if self.pace is None else self.pace.throughput_per_s

    @property
    def drain_s(self) -> float | None:
        """For how many seconds tasks were worked on once the last one was published; None if none has ended."""
        return None if self.pace is None else self.pace.drain_s

    @property
    def concurrency(self) -> int | None:
        """The most tasks that were run at a time, by all workers together."""
        return None if self.pace is None else self.pace.active.max

    @property
    def failure_rate(self) -> float | None:
        """The share of those that raised, or were rejected, revoked or expired, among the tasks that ended."""
        return failure_rate(self.lives)

    @property
    def retry_rate(self) -> float | None:
        """The share of executions that asked for another attempt."""
        return retry_rate(self.lives)

    @property
    def duplicate_rate(self) -> float | None:
        """The share of tasks that ran in two places at once, or to their end more than once."""
        return duplicate_rate(self.history)

    def share_within(self, within: str | float) -> float | None:
        """Return the share of tasks that succeeded soon enough after they were published.

        Args:
            within: How soon: seconds, or a text such as ``"10s"``.
        """
        return share_within(self.lives, parse_duration_s(within, "within"), Clocks(self.history))

    @property
    def queues(self) -> Mapping[str, QueueFigures]:
        """What went through each queue, by its name."""
        return queues_of(self.history)

    @property
    def workers(self) -> Mapping[str, WorkerFigures]:
        """How busy each worker was, by the part of its name before the ``@``."""
        return by_name(workers_of(self.history))

    @property
    def counters(self) -> Mapping[str, float]:
        """What the tasks counted by themselves, with ``pytest_celery_perf.count``, in all executions together."""
        totals: dict[str, float] = {}
        for execution in self.history.executions:
            for name, amount in execution.figures.counters.items():
                totals[name] = totals.get(name, 0) + amount
        return MappingProxyType(totals)

    @property
    def memory_growth(self) -> Growth | None:
        """By how much the memory of a worker's process grows in 1,000 tasks; None without samples of ``workers``."""
        return memory_growth(self.history)

    @property
    def cache_hit_ratio(self) -> float | None:
        """The share of the keys asked for in Django's caches that were found; None unless ``cache`` was asked for."""
        uses = (execution.figures.cache for execution in self.history.executions)
        return hit_ratio(use for use in uses if use is not None)

    @property
    def figures(self) -> tuple[ScopeFigure, ...]:
        """What was found out of workers, queues and all together, where ``workers`` or ``broker`` was asked for."""
        return scope_figures(self)

    @property
    def broker(self) -> BrokerUse | None:
        """What was done to the Redis; None if nobody asked for ``broker``, or it did not answer."""
        return self.history.broker

    def _count(self, fate: Fate) -> int:
        return sum(life.fate is fate for life in self.lives)


def _retries(life: Life) -> int:
    return sum(execution.outcome is Outcome.RETRIED for execution in life.executions)


def _rows(every: tuple[Life, ...], measured: list[tuple[Execution, Phases]]) -> Mapping[str, TaskRow]:
    lives_of: dict[str, list[Life]] = {}
    phases_by: dict[str, list[tuple[Execution, Phases]]] = {}
    for life in every:
        lives_of.setdefault(life.name, []).append(life)
    for execution, phases in measured:
        phases_by.setdefault(execution.name, []).append((execution, phases))
    return MappingProxyType({name: _row(name, group, phases_by.get(name, [])) for name, group in lives_of.items()})


def _row(name: str, group: list[Life], measured: list[tuple[Execution, Phases]]) -> TaskRow:
    runtime = Distribution.from_samples((phases.runtime_ns for _, phases in measured), "runtime")
    queue = Distribution.from_samples((phases.queue_ns for _, phases in measured), "time in queue")
    queries = [body_queries(execution) for execution, _ in measured if execution.ended_ns and execution.queries_counted]
    return TaskRow(
        name=name,
        tasks=len(group),
        executions=sum(len(life.started) for life in group),
        succeeded=sum(life.fate is Fate.SUCCEEDED for life in group),
        failed=sum(life.fate is Fate.FAILED for life in group),
        lost=sum(life.fate is Fate.LOST for life in group),
        retries=sum(_retries(life) for life in group),
        queries_median=statistics.median(queries) if queries else None,
        queries_max=max(queries, default=None),
        queue_p50_s=queue.percentile_or_none(50),
        queue_p95_s=queue.percentile_or_none(95),
        runtime_p50_s=runtime.percentile_or_none(50),
        runtime_p95_s=runtime.percentile_or_none(95),
        figures=asked_figures(execution for execution, _ in measured),
    )
