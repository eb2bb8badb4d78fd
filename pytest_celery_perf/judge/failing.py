"""Tells of two versions of which the head fails, or repeats, what the base does at once."""

from __future__ import annotations

from collections.abc import Mapping

from pytest_celery_perf.measure.evidence import means
from pytest_celery_perf.model.gate import Comparison, GateCount, Series, format_figure
from pytest_celery_perf.model.verdict import Check, Status

_LEFT_OUT = "celery_regression(metrics=[]) leaves the test out until the base has that, too"
_FIXES: Mapping[str, str] = {
    GateCount.UNSUCCESSFUL: "mend the task, or what the test gives it; if it is meant to end so from now on, ",
    GateCount.EXECUTIONS: (
        "find out why it is tried again or delivered again: celery_perf.journal() tells of each attempt; if it is "
        "meant to be from now on, "
    ),
    GateCount.FAILED_RUNS: "run the test often in the head alone, and mend what makes it fail; if it has to, ",
}


def is_worse(comparison: Comparison) -> bool:
    """Tell whether there was proved to be more of it in the head."""
    return comparison.decision is not None and comparison.decision.status is Status.FAIL


def fix(comparison: Comparison) -> str:
    """Say what to do about more of it.

    Args:
        comparison: Of a `GateCount`.
    """
    return _FIXES[comparison.metric] + _LEFT_OUT


def check(comparison: Comparison, sure: str) -> Check:
    """Return what was counted in the head against that in the base.

    Args:
        comparison: Of a `GateCount`.
        sure: How sure it is that the head has more of it.
    """
    base, head = _told(comparison)
    return Check(metric=comparison.metric, budget=f"≤ {base}, as in the base", actual=f"{head}, {sure}", ok=False)


def evidence(comparison: Comparison) -> str:
    """Tell how much there is, of what, and why nothing was decided if so."""
    base, head = _told(comparison)
    number = len((comparison.series or Series()).base)
    what = comparison.metric if is_worse(comparison) else f"{comparison.metric} undecided"
    text = f"{what} in {number} epoch{'s' * (number != 1)}: {base} in the base, {head} in the head"
    return f"{text}; {comparison.reason}" if comparison.reason else text


def _told(comparison: Comparison) -> tuple[str, str]:
    base, head = means(comparison.series or Series())
    return format_figure(comparison.metric, base), format_figure(comparison.metric, head)
