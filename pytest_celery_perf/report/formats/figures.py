"""The figures of a test run, one by one, as the formats that hold nothing but figures need them."""

from __future__ import annotations

import statistics
from collections.abc import Iterator
from dataclasses import dataclass

from pytest_celery_perf.measure.registry import METRICS, OF_EXECUTION
from pytest_celery_perf.model.metric import Direction, Metric, Scope, Unit
from pytest_celery_perf.model.record import Outcome
from pytest_celery_perf.model.result import TestResult
from pytest_celery_perf.model.summary import TaskRow
from pytest_celery_perf.report.json import Report


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One figure."""

    test: str
    of: str
    """The task, ``worker mail``, ``queue letters``, or ``all tasks``."""
    metric: Metric
    statistic: str
    """``median``, ``p95``, ``max``; empty for what is there once."""
    value: float
    low: float | None = None
    high: float | None = None
    """Of a median: the samples are from low to high, as far as that is known."""

    @property
    def name(self) -> str:
        """What it is called: ``runtime p95``."""
        return f"{self.metric.name} {self.statistic}".rstrip()


def _counted(name: str, direction: Direction, meaning: str) -> Metric:
    return Metric(name=name, unit=Unit.COUNT, direction=direction, scope=Scope.RUN, meaning=meaning)


_COUNTED = tuple(
    _counted(name, direction, meaning)
    for name, direction, meaning in (
        ("tasks", Direction.NEITHER, "published tasks"),
        ("executions", Direction.NEITHER, "times that a process began to run one, retries and redeliveries included"),
        ("succeeded", Direction.NEITHER, "tasks that succeeded"),
        ("failed", Direction.LOWER, "tasks that failed"),
        ("lost", Direction.LOWER, "tasks that began and never came to an end"),
        ("retries", Direction.LOWER, "times that a task asked to be tried again"),
    )
)
_QUEUE = Metric(
    name="queue",
    unit=Unit.SECONDS,
    direction=Direction.LOWER,
    scope=Scope.EXECUTION,
    meaning="time in queue: published until started",
)
RUNTIME = METRICS["runtime"]
_STEADY = (Unit.COUNT, Unit.BYTES)
"""Units whose maximum says something: that of a time is the machine's hiccup."""


def figures(test: TestResult) -> Iterator[Figure]:
    """List all figures of a test: what was not measured is left out."""
    for row in test.rows:
        yield from _of_row(test, row)
    for each in test.figures:
        of = f"{each.metric.scope} {each.of}" if each.of else "all tasks"
        yield Figure(test=test.nodeid, of=of, metric=each.metric, statistic="", value=each.value)


def tracked(report: Report, direction: Direction) -> Iterator[Figure]:
    """List the figures that are worth to be stored and compared from commit to commit.

    A test that failed gives none: what it shows must not become the figures that the next run is held against.

    Args:
        report: A test run.
        direction: Which way is better.
    """
    for test in report.tests:
        if test.outcome == "passed":
            for figure in figures(test):
                steady = figure.statistic != "max" or figure.metric.unit in _STEADY
                if figure.metric.direction is direction and steady:
                    yield figure


def runtimes_s(test: TestResult, task: str) -> tuple[float, ...]:
    """Return how long each successful execution of a task ran, in seconds; none if only aggregates are known."""
    runtime = OF_EXECUTION["runtime"]
    samples = (runtime(each) for each in test.history.named(task) if each.outcome is Outcome.SUCCEEDED)
    return tuple(sample for sample in samples if sample is not None)


def _of_row(test: TestResult, row: TaskRow) -> Iterator[Figure]:
    def figure(
        metric: Metric, statistic: str, value: float | None, low: float | None = None, high: float | None = None
    ) -> Iterator[Figure]:
        if value is not None:
            yield Figure(
                test=test.nodeid, of=row.name, metric=metric, statistic=statistic, value=value, low=low, high=high
            )

    for metric in _COUNTED:
        yield from figure(metric, "", getattr(row, metric.name))
    yield from figure(METRICS["queries"], "median", row.queries_median, high=row.queries_max)
    yield from figure(METRICS["queries"], "max", row.queries_max)
    yield from figure(_QUEUE, "median", row.queue_p50_s)
    yield from figure(_QUEUE, "p95", row.queue_p95_s)
    if samples_s := runtimes_s(test, row.name):
        yield from figure(RUNTIME, "median", statistics.median(samples_s), min(samples_s), max(samples_s))
    else:
        yield from figure(RUNTIME, "median", row.runtime_p50_s)
    yield from figure(RUNTIME, "p95", row.runtime_p95_s)
    for each in row.figures:
        yield from figure(each.metric, "median", each.median, high=each.max)
        yield from figure(each.metric, "max", each.max)
