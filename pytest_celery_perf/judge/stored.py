"""Judges a test by the runs that are stored: ``celery_baseline``, for each of its tasks.

For those who cannot run a base beside the head. Other runs were made at other times, which is the weaker comparison: it
fails a test only where the machine is of the same kind and the stored runs hardly differ.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from pytest_celery_perf.judge.attempts import told_error
from pytest_celery_perf.judge.phrases import join
from pytest_celery_perf.judge.regression import margin
from pytest_celery_perf.measure.lives import Fate, lives
from pytest_celery_perf.measure.stored import (
    JUDGED,
    MOST_RESIDUAL,
    Outlook,
    Past,
    figures_of,
    unit_of,
)
from pytest_celery_perf.measure.successes import ENOUGH, Failing
from pytest_celery_perf.model.baseline import Calibration, Standard, StoredFigure
from pytest_celery_perf.model.gate import GateCount, RegressionBudget, format_figure
from pytest_celery_perf.model.history import History
from pytest_celery_perf.model.metric import format_change, format_share
from pytest_celery_perf.model.verdict import Check, Status, Verdict

MARKER = "celery_baseline"
_DIFFERENCES = 4
"""How many a sentence can bear."""
_TIMES = 10
"""From so many times as much on, nobody asks how much more exactly."""


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
    figures = figures_of(test, history)
    outlooks: dict[str, list[Outlook]] = {}
    for each in figures:
        if each.metric in JUDGED and each.metric in budget.metrics:
            outlooks.setdefault(each.task, []).append(_outlook(each, standard.now.calibration, past, budget))
    failing = {task: each for (_, task), each in past.failing(figures).items() if budget.metrics and each.more}
    return tuple(
        _judge_task(
            _Task(name=task, outlooks=outlooks.get(task, ()), failing=failing.get(task)), history, standard, budget
        )
        for task in sorted({*outlooks, *failing})
        if budget.task in {None, task}
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Task:
    """What is to be said of a task."""

    name: str
    outlooks: Sequence[Outlook]
    failing: Failing | None
    """None if no more of them came to nothing than before."""


def _judge_task(task: _Task, history: History, standard: Standard, budget: RegressionBudget) -> Verdict:
    if not standard.runs:
        return Verdict(marker=MARKER, task=task.name, status=Status.INCONCLUSIVE, evidence=(refusal(standard),))
    undecided = [each for each in task.outlooks if each.status is Status.INCONCLUSIVE]
    decided = [each for each in task.outlooks if each.status is not Status.INCONCLUSIVE]
    found = {*(each.status for each in task.outlooks), *([task.failing.status] if task.failing else [])}
    return Verdict(
        marker=MARKER,
        task=task.name,
        status=next(each for each in (Status.FAIL, Status.INCONCLUSIVE, Status.PASS) if each in found),
        checks=(*_failing_checks(task.failing), *(_check(each, budget) for each in decided)),
        evidence=(
            *_failing_evidence(task, history),
            *map(_doubt, undecided),
            *map(_told, decided),
        ),
        fix=(*_remedies(task, standard),),
    )


def _outlook(figure: StoredFigure, calibration: Calibration, past: Past, budget: RegressionBudget) -> Outlook:
    return Outlook.of(
        figure.metric,
        figure.value,
        past.series.get(figure.key, ()),
        unit=unit_of(figure.metric, calibration),
        tolerance=budget.tolerance,
        noticeable=budget.noticeable,
        alpha=past.alpha,
        end=figure.end,
    )


def refusal(standard: Standard) -> str:
    """Say why a run cannot be compared with any that is stored."""
    shown = [each.told for each in standard.obstacles[:_DIFFERENCES]]
    if more := len(standard.obstacles) - len(shown):
        shown.append(f"{more} more")
    if standard.others == 1:
        return f"not compared: the stored run is of another environment: {join(shown)}"
    return f"not compared: the {standard.others} stored runs are of other environments; of the newest, {join(shown)}"


# -- what came to nothing ------------------------------------------------------------------


def told_failing(failing: Failing) -> str:
    """Tell how many tasks came to nothing, and how many in the stored runs."""
    runs = f"{failing.runs} stored run{'s' * (failing.runs != 1)}"
    usual = f"{format_share(failing.usual)} in {runs}"
    if failing.most > failing.usual:
        usual += f", at most {format_share(failing.most)} in one"
    return f"{failing.now.unsuccessful} of {failing.now.tasks}; {usual}"


def _failing_checks(failing: Failing | None) -> Iterator[Check]:
    if failing is not None and failing.status is Status.FAIL:
        actual = f"{format_share(failing.now.share)} ({failing.now.unsuccessful} of {failing.now.tasks})"
        budget = f"≤ {format_share(failing.most)}, the most in {failing.runs} stored runs"
        yield Check(metric=GateCount.UNSUCCESSFUL, budget=budget, actual=actual, ok=False)


def _failing_evidence(task: _Task, history: History) -> Iterator[str]:
    """Say how tasks ended that did not succeed, and what the first of them raised."""
    if task.failing is None:
        return
    if task.failing.status is not Status.FAIL:
        yield f"{GateCount.UNSUCCESSFUL} not decided: {told_failing(task.failing)}"
    ended = [life for life in lives(history) if life.name == task.name and life.fate is not Fate.SUCCEEDED]
    fates = Counter(life.fate for life in ended if life.fate is not Fate.UNFINISHED)
    errors = (life.concluding.error for life in ended if life.concluding is not None)
    error = next((each for each in errors if each is not None), None)
    yield join(f"{number} {fate}" for fate, number in fates.items()) + (f", of {told_error(error)}" if error else "")


# -- what the others took ------------------------------------------------------------------


def _check(outlook: Outlook, budget: RegressionBudget) -> Check:
    failed = outlook.status is Status.FAIL
    share = max(budget.tolerance, outlook.detectable) if failed else budget.noticeable
    return Check(
        metric=outlook.name,
        budget=f"{'≤' if failed else '<'} {margin(outlook.metric, outlook.expected, share)}",
        actual=f"{format_change(outlook.change)} ({format_figure(outlook.metric, outlook.actual)})",
        ok=not failed,
    )


def _told(outlook: Outlook) -> str:
    return f"{outlook.name}: {outlook.runs} stored runs differ by {format_share(outlook.residual)}; {_shown(outlook)}"


def _shown(outlook: Outlook) -> str:
    """Say what the stored runs let one see at all."""
    if outlook.detectable < _TIMES - 1:
        return f"{format_change(outlook.detectable)} would have shown"
    return f"less than {_TIMES} times as much would not have shown"


def _doubt(outlook: Outlook) -> str:
    """Tell what is not decided, and why."""
    if outlook.runs < ENOUGH:
        return f"{outlook.name} not decided: not enough stored runs, {outlook.runs} of at least {ENOUGH}"
    if math.isnan(outlook.expected):
        return f"{outlook.name} not decided: a figure is zero or no number"
    expected, found = (format_figure(outlook.metric, each) for each in (outlook.expected, outlook.actual))
    change = f"{outlook.name} {format_change(outlook.change)} ({expected} → {found})"
    differ = f"{outlook.runs} stored runs differ by {format_share(outlook.residual)}"
    if outlook.exceeded:
        return f"{change}, advice only: {differ}, more than {format_share(MOST_RESIDUAL)}"
    return f"{change}, not decided: {differ}; {_shown(outlook)}"


def _remedies(task: _Task, standard: Standard) -> Iterator[str]:
    if task.failing is not None:
        yield "mend the task, or what the test gives it"
    if any(each.exceeded for each in task.outlooks):
        yield "--celery-perf-base=REV compares with another revision in this very run, which is surer"
    if task.failing is not None or any(each.status is Status.FAIL for each in task.outlooks):
        yield f"where it is meant, {begin_anew(standard)}, and store new runs with --celery-perf-baseline-save"


def begin_anew(standard: Standard) -> str:
    """Say what to do where stored runs tell of something that is not wanted any more."""
    return f"begin anew: remove the files of {standard.folder}"
