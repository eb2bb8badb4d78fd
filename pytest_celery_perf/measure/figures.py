"""The figures of a task that its tests have asked for: metric by metric, over its executions."""

from __future__ import annotations

import statistics
from collections.abc import Iterable

from pytest_celery_perf.measure.registry import METRICS, OF_EXECUTION
from pytest_celery_perf.model.figures import UNMEASURED
from pytest_celery_perf.model.record import Execution
from pytest_celery_perf.model.summary import FigureRow

ALWAYS_SHOWN = ("runtime", "queries")
"""The metrics that have columns of their own, whether anybody asks or not."""


def asked_figures(executions: Iterable[Execution]) -> tuple[FigureRow, ...]:
    """Sum up every metric of some executions.

    Args:
        executions: Those of one task name.

    Returns:
        A row for each metric that was measured, in the order of the registry; none if no test has asked for more than
        the records that each execution leaves.
    """
    measured = [execution for execution in executions if execution.figures != UNMEASURED]
    rows = (_row(name, measured) for name in OF_EXECUTION if name not in ALWAYS_SHOWN)
    return tuple(row for row in rows if row is not None)


def _row(name: str, executions: list[Execution]) -> FigureRow | None:
    figures = [figure for each in executions if (figure := OF_EXECUTION[name](each)) is not None]
    if not figures:
        return None
    return FigureRow(metric=METRICS[name], executions=len(figures), median=statistics.median(figures), max=max(figures))
