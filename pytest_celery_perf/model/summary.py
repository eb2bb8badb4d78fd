"""The figures of one task as a table shows them."""

from __future__ import annotations

from dataclasses import dataclass

from pytest_celery_perf.model.metric import Metric


@dataclass(frozen=True, slots=True, kw_only=True)
class FigureRow:
    """One metric over the executions of a task that were measured for it."""

    metric: Metric
    executions: int
    median: float
    max: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ScopeFigure:
    """One figure of a worker, a queue, or a run."""

    metric: Metric
    of: str
    """Which worker or queue; empty for the run."""
    value: float


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskRow:
    """What the summary tells of all the tasks of one name in one test (or in all of them).

    A figure that nobody measured, or that has too few samples, is ``None``.
    """

    name: str
    tasks: int
    """How many of this name were published, each counted once however often it was tried."""
    executions: int
    """How often a process began to run one: retries and redeliveries included."""
    succeeded: int
    """Tasks whose last execution succeeded."""
    failed: int
    """Tasks whose last execution failed."""
    lost: int
    """Tasks that began and never came to an end."""
    retries: int
    """How often a task asked to be tried again."""
    queries_median: float | None = None
    """SQL statements of an execution's body."""
    queries_max: int | None = None
    queue_p50_s: float | None = None
    queue_p95_s: float | None = None
    runtime_p50_s: float | None = None
    runtime_p95_s: float | None = None
    figures: tuple[FigureRow, ...] = ()
    """What tests have asked for besides."""
