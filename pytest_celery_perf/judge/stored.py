"""Judges a test by the runs that are stored: ``celery_baseline``, for each of its tasks.

For those who cannot run a base beside the head. Other runs were made at other times, which is the weaker comparison: it
fails a test only where the machine is of the same kind and the stored runs hardly differ.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from pytest_celery_perf.judge.phrases import join
from pytest_celery_perf.measure.stored import (
    ENOUGH,
    JUDGED,
    MOST_RESIDUAL,
    Outlook,
    Past,
    figures_of,
    unit_of,
)
from pytest_celery_perf.model.baseline import Calibration, Standard, StoredFigure
from pytest_celery_perf.model.gate import RegressionBudget, format_figure
from pytest_celery_perf.model.history import History
from pytest_celery_perf.model.metric import format_change, format_share
from pytest_celery_perf.model.verdict import Check, Status, Verdict

MARKER = "celery_baseline"
_DIFFERENCES = 4
"""How many a sentence can bear."""


def judge(
    test: str, history: History, standard: Standard, past: Past, budget: RegressionBudget | None = None
) -> tuple[Verdict, ...]:
    """Compare a test with the stored runs.

    Args:
        test: Its name.
        history: What its tasks did.
        standard: The stored runs, and what must be known of this one.
        past: What the stored runs tell of each figure.
        budget: Which metrics are compared, and what is tolerated; None: the defaults of ``celery_regression``.

    Returns:
        A verdict for each task that has a figure to compare; none if nothing is stored. FAIL if a metric is surely
        worse; INCONCLUSIVE if one could not be decided.
    """
    if not standard.runs and not standard.others:
        return ()
    budget = RegressionBudget() if budget is None else budget
    by_task: dict[str, list[StoredFigure]] = {}
    for each in figures_of(test, history):
        if each.metric in JUDGED and each.metric in budget.metrics and budget.task in {None, each.task}:
            by_task.setdefault(each.task, []).append(each)
    return tuple(_judge_task(figures, standard, past, budget) for figures in by_task.values())


def _judge_task(figures: Sequence[StoredFigure], standard: Standard, past: Past, budget: RegressionBudget) -> Verdict:
    task = figures[0].task
    if not standard.runs:
        return Verdict(marker=MARKER, task=task, status=Status.INCONCLUSIVE, evidence=(refusal(standard),))
    outlooks = [_outlook(figure, standard.now.calibration, past, budget) for figure in figures]
    undecided = [each for each in outlooks if each.status is Status.INCONCLUSIVE]
    decided = [each for each in outlooks if each.status is not Status.INCONCLUSIVE]
    failed = any(each.status is Status.FAIL for each in decided)
    return Verdict(
        marker=MARKER,
        task=task,
        status=Status.FAIL if failed else Status.INCONCLUSIVE if undecided else Status.PASS,
        checks=tuple(_check(each, budget) for each in decided),
        evidence=(*map(_doubt, undecided), *map(_told, decided)),
        fix=(*_remedies(outlooks, standard),),
    )


def _outlook(figure: StoredFigure, calibration: Calibration, past: Past, budget: RegressionBudget) -> Outlook:
    return Outlook.of(
        figure.metric,
        figure.value,
        past.series.get((figure.test, figure.task, figure.metric), ()),
        unit=unit_of(figure.metric, calibration),
        tolerance=budget.tolerance,
        noticeable=budget.noticeable,
        alpha=past.alpha,
    )


def refusal(standard: Standard) -> str:
    """Say why a run cannot be compared with any that is stored."""
    shown = [each.told for each in standard.obstacles[:_DIFFERENCES]]
    if more := len(standard.obstacles) - len(shown):
        shown.append(f"{more} more")
    if standard.others == 1:
        return f"not compared: the stored run is of another environment: {join(shown)}"
    return f"not compared: the {standard.others} stored runs are of other environments; of the newest, {join(shown)}"


def _check(outlook: Outlook, budget: RegressionBudget) -> Check:
    expected = format_figure(outlook.metric, outlook.expected)
    failed = outlook.status is Status.FAIL
    limit = (
        f"≤ {format_change(outlook.limit / outlook.expected - 1)}"
        if failed
        else f"< {format_change(budget.noticeable)}"
    )
    return Check(
        metric=outlook.metric,
        budget=f"{limit} of {expected}",
        actual=f"{format_change(outlook.change)} ({format_figure(outlook.metric, outlook.actual)})",
        ok=not failed,
    )


def _told(outlook: Outlook) -> str:
    return (
        f"{outlook.metric}: {outlook.runs} stored runs differ by {format_share(outlook.residual)}; "
        f"{format_change(outlook.detectable)} would have shown"
    )


def _doubt(outlook: Outlook) -> str:
    """Tell what is not decided, and why."""
    if outlook.runs < ENOUGH:
        return f"{outlook.metric} not decided: not enough stored runs, {outlook.runs} of at least {ENOUGH}"
    if math.isnan(outlook.expected):
        return f"{outlook.metric} not decided: a figure is zero or no number"
    expected, found = (format_figure(outlook.metric, each) for each in (outlook.expected, outlook.actual))
    change = f"{outlook.metric} {format_change(outlook.change)} ({expected} → {found})"
    differ = f"{outlook.runs} stored runs differ by {format_share(outlook.residual)}"
    if outlook.exceeded:
        return f"{change}, advice only: {differ}, more than {format_share(MOST_RESIDUAL)}"
    return f"{change}, not decided: {differ}; {format_change(outlook.detectable)} would have shown"


def _remedies(outlooks: Sequence[Outlook], standard: Standard) -> Iterator[str]:
    if any(each.exceeded for each in outlooks):
        yield "--celery-perf-base=REV compares with another revision in this very run, which is surer"
    if any(each.status is Status.FAIL for each in outlooks):
        yield (
            f"where it is meant, begin anew: remove the files of {standard.folder}, and store new runs with "
            "--celery-perf-baseline-save"
        )
