"""What is stored of a test, and what stored runs lead one to expect of the next.

A figure of time is divided by that of the calibration, so that it tells of the code rather than of the machine. What
is left are the logarithms of a few numbers that should be equal; they differ by the residual.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Self

from pytest_celery_perf.measure.evidence import ALPHA, BETA, FAMILY, epoch_quantile, floor_of
from pytest_celery_perf.measure.student import student_quantile
from pytest_celery_perf.measure.successes import ENOUGH, SUCCEEDED, TASKS, Failing, Successes, successes_of
from pytest_celery_perf.measure.summary import Run
from pytest_celery_perf.measure.taken import samples_of
from pytest_celery_perf.model.baseline import NEWEST, Calibration, Prospect, StoredFigure, StoredRun, Trend, name_of
from pytest_celery_perf.model.gate import GateMetric
from pytest_celery_perf.model.history import History
from pytest_celery_perf.model.record import Outcome
from pytest_celery_perf.model.verdict import Status

JUDGED = (GateMetric.RUNTIME, GateMetric.CPU, GateMetric.MEMORY)
COUNTED = (TASKS, SUCCEEDED, "executions", "retries", "queries")
"""What is stored to be looked at, beside the share of the tasks that succeeded: a lock file judges it, exactly."""
MOST_RESIDUAL = 0.05
"""Where runs differ by more, chance has other laws than the one that is counted on."""


def figures_of(test: str, history: History) -> tuple[StoredFigure, ...]:
    """Return what is stored of a test.

    Args:
        test: Its name.
        history: What its tasks did.
    """
    counts = (
        StoredFigure(test=test, task=task, metric=metric, value=value) for task, metric, value in _counts(history)
    )
    return (*_taken(test, history), *counts)


def _taken(test: str, history: History) -> Iterator[StoredFigure]:
    for sample in samples_of(history):
        end = "" if sample.end == Outcome.SUCCEEDED else sample.end
        for metric in JUDGED:
            if metric in sample.figures:
                value = epoch_quantile(sample.figures[metric])
                yield StoredFigure(test=test, task=sample.task, metric=metric, end=end, value=value)


def _counts(history: History) -> Iterator[tuple[str, str, float]]:
    run = Run.of(history)
    for name, row in run.by_task.items():
        ended = Successes.of(life for life in run.lives if life.name == name)
        yield name, TASKS, float(ended.tasks)
        yield name, SUCCEEDED, float(ended.succeeded)
        yield name, "executions", float(row.executions)
        yield name, "retries", float(row.retries)
        if row.queries_median is not None:
            yield name, "queries", float(row.queries_median)


def unit_of(metric: str, calibration: Calibration) -> float:
    """Return what a machine's figures of a metric are divided by: it is larger where the machine is slower."""
    return {"runtime": calibration.wall_s, "cpu": calibration.cpu_s}.get(metric, 1.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """What stored runs tell of each figure."""

    series: Mapping[tuple[str, str, str, str], tuple[float, ...]]
    """By test, task, metric and end: the figures of the runs that have it, in the unit of `unit_of`, oldest first."""
    successes: Mapping[tuple[str, str], tuple[Successes, ...]]
    """By test and task: how many tasks succeeded in the runs that have it."""
    alpha: float
    """How often at most a comparison may FAIL by chance, with all in mind that are possible."""

    @classmethod
    def of(cls, runs: Iterable[StoredRun]) -> Self:
        """Put the figures of runs in order.

        Args:
            runs: Of one environment, oldest first.
        """
        series: dict[tuple[str, str, str, str], list[float]] = {}
        successes: dict[tuple[str, str], list[Successes]] = {}
        for run in runs:
            for each in run.figures:
                series.setdefault(each.key, []).append(each.value / unit_of(each.metric, run.calibration))
            for key, found in successes_of(run.figures).items():
                successes.setdefault(key, []).append(found)
        judged = sum(metric in JUDGED for _, _, metric, _ in series) + len(successes)
        return cls(
            series=MappingProxyType({key: tuple(values) for key, values in series.items()}),
            successes=MappingProxyType({key: tuple(found) for key, found in successes.items()}),
            alpha=min(ALPHA, FAMILY / max(1, judged)),
        )

    def failing(self, figures: Iterable[StoredFigure]) -> dict[tuple[str, str], Failing]:
        """Tell of each task in a run, by test and task, whether more of them came to nothing than in the stored ones.

        Args:
            figures: Of the run.
        """
        return {
            key: Failing.of(now, self.successes.get(key, ()), self.alpha) for key, now in successes_of(figures).items()
        }


def margin(residual: float, runs: int, alpha: float) -> float:
    """Return how far the next run may be from the mean of those before by chance, as a logarithm.

    Args:
        residual: The standard deviation of the logarithms of their figures.
        runs: How many; two or more.
        alpha: How often at most it may be farther, one-sided.

    Source:
        The prediction interval of a normal sample: G. J. Hahn and W. Q. Meeker, "Statistical Intervals" (1991), 4.7.
    """
    return student_quantile(alpha, runs - 1) * residual * math.sqrt(1 + 1 / runs)


def detectable(residual: float, runs: int, alpha: float = ALPHA) -> float:
    """Return the smallest slowdown that so many runs let one tell from chance, as a share: 0.2 is 20 %."""
    return math.expm1(margin(residual, runs, alpha))


def prospects(spread: float) -> tuple[Prospect, ...]:
    """Tell what stored runs could show, where their figures differ as is common, or as this machine does by itself.

    Args:
        spread: Of its calibration.
    """
    return tuple(
        Prospect(residual=residual, runs=runs, detectable=detectable(residual, runs))
        for residual in (0.05, 0.10, 0.15, spread)
        for runs in (ENOUGH, 10, NEWEST)
    )


def trends(runs: Sequence[StoredRun]) -> tuple[Trend, ...]:
    """Follow each figure over runs of one environment.

    Args:
        runs: Oldest first; one or more.

    Returns:
        In the order of test, task and metric, the metrics that are judged before those that are counted.
    """
    now, series = runs[-1].calibration, Past.of(runs).series
    order = (*JUDGED, *COUNTED)
    known = sorted((key for key in series if key[2] in order), key=lambda key: (*key[:2], order.index(key[2]), key[3]))
    return tuple(
        Trend(
            test=test,
            task=task,
            metric=metric,
            end=end,
            values=tuple(unit_of(metric, now) * each for each in series[test, task, metric, end]),
        )
        for test, task, metric, end in known
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlook:
    """What stored runs lead one to expect of a figure, and what became of it. Figures are in today's units."""

    metric: str
    end: str = ""
    """As that of `StoredFigure`."""
    status: Status
    actual: float
    runs: int
    """How many stored runs have the figure."""
    expected: float = math.nan
    """Their mean."""
    limit: float = math.nan
    """The most that is no FAIL."""
    residual: float = math.nan
    """By how much they differ, as a share."""
    detectable: float = math.nan
    """The smallest slowdown that they let one tell from chance, as a share."""

    @property
    def name(self) -> str:
        """What a reader calls it."""
        return name_of(self.metric, self.end)

    @property
    def change(self) -> float:
        """By how much it differs from what is expected, as a share."""
        return self.actual / self.expected - 1

    @property
    def exceeded(self) -> bool:
        """Whether it is more than chance explains; that FAILs, or is advice where the stored runs differ by much."""
        return self.actual > self.limit

    @classmethod
    def of(
        cls,
        metric: str,
        actual: float,
        history: Sequence[float],
        *,
        unit: float,
        tolerance: float,
        noticeable: float,
        alpha: float,
        end: str = "",
    ) -> Self:
        """Compare a figure with those of stored runs.

        Args:
            metric: One of `JUDGED`; of all, less is better.
            actual: The figure.
            history: Those of stored runs, calibrated.
            unit: What this run's figures are calibrated by: see `unit_of`.
            tolerance: FAIL means: more than by so much, as a share.
            noticeable: PASS means: surely less than by so much.
            alpha: How often at most it may FAIL by chance.
            end: How its executions ended, as those of the stored runs did.
        """
        if len(history) < ENOUGH or not all(0 < each < math.inf for each in (actual, *history)):
            return cls(metric=metric, end=end, status=Status.INCONCLUSIVE, actual=actual, runs=len(history))
        logarithms = [math.log(each) for each in history]
        residual = statistics.stdev(logarithms)
        expected = math.exp(statistics.fmean(logarithms)) * unit
        beyond_chance = detectable(residual, len(history), alpha)
        limit = max(expected * (1 + max(tolerance, beyond_chance)), expected + floor_of(metric))
        surely_less = max(expected * (1 + noticeable), expected + floor_of(metric)) * math.exp(
            -margin(residual, len(history), BETA)
        )
        if actual > limit:
            status = Status.INCONCLUSIVE if residual > MOST_RESIDUAL else Status.FAIL
        else:
            status = Status.PASS if actual <= surely_less else Status.INCONCLUSIVE
        return cls(
            metric=metric,
            end=end,
            status=status,
            actual=actual,
            runs=len(history),
            expected=expected,
            limit=limit,
            residual=residual,
            detectable=beyond_chance,
        )
