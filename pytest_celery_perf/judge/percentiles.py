"""Percentiles of durations against their limits: what judges of durations have in common."""

from __future__ import annotations

from collections.abc import Iterator

from pytest_celery_perf.errors import NotEnoughSamplesError
from pytest_celery_perf.measure.distribution import SAMPLES_NEEDED, Distribution
from pytest_celery_perf.model.spec import PercentileBudget
from pytest_celery_perf.model.units import format_duration_s
from pytest_celery_perf.model.verdict import Check


def check_all(budget: PercentileBudget, distribution: Distribution) -> list[tuple[Check, str]]:
    """Compare each percentile that a budget is about with its limit.

    Args:
        budget: The limits, in seconds.
        distribution: What was measured.

    Returns:
        A check for each limit; where samples lack, the second value says what to do about it.
    """
    return [_check(distribution, percent, limit_s) for percent, limit_s in _limits(budget)]


def spread(distribution: Distribution) -> str:
    """Tell the figures of at least one sample: ``runtime of 5 samples: min 1ms, p50 2ms, max 9ms``."""
    figures = {f"p{percent}": distribution.percentile_or_none(percent) for percent in SAMPLES_NEEDED}
    figures = {"min": distribution.min, **figures, "max": distribution.max}
    told = ", ".join(f"{name} {format_duration_s(value)}" for name, value in figures.items() if value is not None)
    return f"{distribution.of} of {_count(distribution)}: {told}"


def _limits(budget: PercentileBudget) -> Iterator[tuple[int, float]]:
    """Yield (percent, seconds); 100 is the maximum."""
    for percent, limit_s in ((50, budget.p50_s), (95, budget.p95_s), (99, budget.p99_s), (100, budget.max_s)):
        if limit_s is not None:
            yield percent, limit_s


def _check(distribution: Distribution, percent: int, limit_s: float) -> tuple[Check, str]:
    metric = f"{'max' if percent == 100 else f'p{percent}'} {distribution.of}"
    budget = f"≤ {format_duration_s(limit_s)}"
    try:
        actual_s = distribution.max if percent == 100 else distribution.percentile(percent)
    except NotEnoughSamplesError as lack:
        return Check(metric=metric, budget=budget, actual=f"unknown of {_count(distribution)}", ok=False), str(lack)
    return Check(metric=metric, budget=budget, actual=format_duration_s(actual_s), ok=actual_s <= limit_s), ""


def _count(distribution: Distribution) -> str:
    return f"{distribution.count} sample{'s' * (distribution.count != 1)}"
