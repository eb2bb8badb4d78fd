"""The marker for whose sake a test runs once for each size of its data."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pytest_celery_perf.errors import ConfigurationError
from pytest_celery_perf.measure.registry import METRICS, OF_EXECUTION
from pytest_celery_perf.model.arguments import natural, one_of, sequence, task_name, text
from pytest_celery_perf.model.metric import Unit
from pytest_celery_perf.model.scaling import ScalingBudget
from pytest_celery_perf.model.units import parse_duration_s, parse_size_bytes


def celery_scaling(
    *,
    task: Any = None,
    sizes: Sequence[int] = (5, 10, 20),
    metric: str = "queries",
    max_slope: str | float | None = None,
    max_order: float | None = None,
    unit: str = "row",
) -> ScalingBudget:
    """Bound how a figure grows with the size of the data; the test runs for each, which it takes as celery_size."""
    if max_slope is None and max_order is None:
        raise ConfigurationError(
            "nothing to judge: give max_slope= (per row; 0: it must not grow) or max_order= (1: linear)"
        )
    one_of(metric, "metric", *OF_EXECUTION)
    return ScalingBudget(
        task=task_name(task),
        sizes=_sizes(sizes),
        metric=metric,
        max_slope=None if max_slope is None else _amount(max_slope, metric),
        max_order=None if max_order is None else _number(max_order, "max_order"),
        unit=text(unit, "unit"),
    )


def _sizes(given: Any) -> tuple[int, ...]:
    sizes = tuple(natural(each, "sizes", 0) for each in sequence(given, "sizes", "whole numbers"))
    if len(sizes) < 2 or list(sizes) != sorted(set(sizes)):
        raise ConfigurationError(f"sizes={given!r} is not two or more whole numbers, each larger than the one before")
    return sizes


def _amount(given: Any, metric: str) -> float:
    """Read how much of a metric there may be."""
    match METRICS[metric].unit:
        case Unit.SECONDS:
            return parse_duration_s(given, "max_slope")
        case Unit.BYTES:
            return parse_size_bytes(given, "max_slope")
        case _:
            return _number(given, "max_slope")


def _number(given: Any, what: str) -> float:
    if isinstance(given, bool) or not isinstance(given, (int, float)) or not 0 <= given < float("inf"):
        raise ConfigurationError(f"{what}={given!r} is not a number from 0")
    return float(given)
