"""The figures of a task that its tests have asked for: metric by metric, over its executions."""

from __future__ import annotations

import statistics
from collections.abc import Iterable
from dataclasses import replace

from pytest_celery_perf.measure.registry import METRICS, OF_EXECUTION, counter
from pytest_celery_perf.model.figures import UNMEASURED
from pytest_celery_perf.model.metric import Metric
from pytest_celery_perf.model.record import Execution
from pytest_celery_perf.model.summary import FigureRow

RECORDED = ("runtime", "queries", "children", "connects", "slow_queries")
"""The metrics that every execution records, whether anybody asks or not; the first two have columns of their own."""


def asked_figures(executions: Iterable[Execution]) -> tuple[FigureRow, ...]:
    """Sum up every metric of some executions.

    Args:
        executions: Those of one task name.

    Returns:
        A row for each metric that was measured, in the order of the registry, and for each of the user's counters. No
        metric if no test has asked for more than the records that each execution leaves.
    """
    every = [*executions]
    measured = [each for each in every if replace(each.figures, counters={}) != UNMEASURED]
    rows = [
        _row(METRICS[name], [find(each) for each in measured])
        for name, find in OF_EXECUTION.items()
        if name not in RECORDED
    ]
    names = dict.fromkeys(name for each in every for name in each.figures.counters)
    rows += [_row(counter(name), [each.figures.counters.get(name) for each in every]) for name in names]
    return tuple(row for row in rows if row is not None)


def _row(metric: Metric, figures: Iterable[float | None]) -> FigureRow | None:
    known = [figure for figure in figures if figure is not None]
    if not known:
        return None
    return FigureRow(metric=metric, executions=len(known), median=statistics.median(known), max=max(known))
