"""Tells of two versions of which the head fails tasks that work in the base; what these take proves nothing then."""

from __future__ import annotations

from pytest_celery_perf.measure.evidence import shares
from pytest_celery_perf.model.gate import FAILED, Comparison, Series, format_figure
from pytest_celery_perf.model.verdict import Check, Status

FIX = (
    "mend the task, or what the test gives it; if it is meant to fail from now on, celery_regression(metrics=[]) "
    "leaves the test out until the base has that, too"
)


def is_worse(comparison: Comparison) -> bool:
    """Tell whether more tasks were proved to fail in the head."""
    return comparison.decision is not None and comparison.decision.status is Status.FAIL


def check(comparison: Comparison, sure: str) -> Check:
    """Return the share of failures in the head against that in the base.

    Args:
        comparison: Of what has `FAILED`.
        sure: How sure it is that the head has more of them.
    """
    base, head = _told(comparison)
    return Check(metric=FAILED, budget=f"≤ {base}, as in the base", actual=f"{head}, {sure}", ok=False)


def evidence(comparison: Comparison) -> str:
    """Tell how many fail, of what, and why nothing was decided if so."""
    base, head = _told(comparison)
    number = len((comparison.series or Series()).base)
    undecided = "" if is_worse(comparison) else " undecided"
    text = f"{FAILED}{undecided} in {number} epoch{'s' * (number != 1)}: {base} in the base, {head} in the head"
    return f"{text}; {comparison.reason}" if comparison.reason else text


def _told(comparison: Comparison) -> tuple[str, str]:
    base, head = shares(comparison.series or Series())
    return format_figure(FAILED, base), format_figure(FAILED, head)
