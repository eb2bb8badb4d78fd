"""Judges what every budget takes for granted: that the task did its work. One that raises at once keeps any budget."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from pathlib import Path

from pytest_celery_perf.judge.attempts import short_name
from pytest_celery_perf.judge.subjects import Subject, subjects_of
from pytest_celery_perf.measure.lives import Fate, Life
from pytest_celery_perf.model.history import History
from pytest_celery_perf.model.orders import FaultBudget
from pytest_celery_perf.model.record import TaskError
from pytest_celery_perf.model.resources import CallsBudget, CpuBudget, GrowthBudget, MemoryBudget
from pytest_celery_perf.model.scaling import ScalingBudget
from pytest_celery_perf.model.spec import (
    Budget,
    DrillBudget,
    LatencyBudget,
    QueriesBudget,
    RecoveryBudget,
    ReliableBudget,
    RetriesBudget,
)
from pytest_celery_perf.model.uses import CacheBudget, OutboundBudget
from pytest_celery_perf.model.verdict import Check, Status, Verdict

_MEASURED = (
    QueriesBudget,
    LatencyBudget,
    CacheBudget,
    OutboundBudget,
    MemoryBudget,
    GrowthBudget,
    CpuBudget,
    CallsBudget,
    ScalingBudget,
)
"""What is asked of a task that works. Left out are those that a failing task cannot keep, or that are about failing."""
_ABOUT_FAILURES = (RetriesBudget, RecoveryBudget, ReliableBudget, DrillBudget, FaultBudget)
MEND = 'mend it, or what the test gives it; if it shall fail, say so: @pytest.mark.celery_retries(final="failed")'


def failed_subjects(budgets: Collection[Budget], history: History, root: Path | None) -> dict[str, Subject]:
    """Find the tasks of which each has failed, though nothing in the test says that they shall.

    Args:
        budgets: All that is demanded in the test.
        history: What happened.
        root: The folder that paths are shown relative to.

    Returns:
        By their name; none where nobody would ask.
    """
    if history.faults or not any(isinstance(each, _MEASURED) for each in budgets):
        return {}
    return undeclared(budgets, history, root)


def undeclared(budgets: Iterable[Budget], history: History, root: Path | None) -> dict[str, Subject]:
    """Find the tasks of which each has failed in a run without faults, though no budget is about that; by their name.

    Args:
        budgets: All that is demanded in the test.
        history: What happened.
        root: The folder that paths are shown relative to.
    """
    about = [each.task for each in budgets if isinstance(each, _ABOUT_FAILURES)]
    if None in about:
        return {}
    subjects = subjects_of("", history, root)
    return {each.name: each for each in subjects if each.name not in about and _failed(each)}


def weigh(verdict: Verdict, budget: Budget, failed: Mapping[str, Subject]) -> Verdict:
    """Fail a verdict on such tasks.

    Args:
        verdict: What the judge of its budget says.
        budget: What was demanded.
        failed: What `failed_subjects` has found.

    Returns:
        The verdict, with a failing check in front if it is on such tasks.
    """
    if not isinstance(budget, _MEASURED) or verdict.task not in failed:
        return verdict
    return _with_failure(verdict, failed[verdict.task])


def errors_of(lives: Iterable[Life]) -> tuple[TaskError, ...]:
    """Return with which errors tasks have ended, each once."""
    ends = (life.concluding.error for life in lives if life.concluding)
    return tuple(dict.fromkeys(error for error in ends if error))


def raised(error: TaskError, subject: Subject) -> str:
    """Tell what a task raised, and where: ``it raised ValueError: no such row at shop/tasks.py:30``."""
    place = f" at {subject.place(error.where)}" if error.where else ""
    return f"it raised {short_name(error.type)}: {error.message}{place}"


def _failed(subject: Subject) -> bool:
    ordered = any(execution.injected for life in subject.lives for execution in life.executions)
    return not ordered and all(life.fate is Fate.FAILED for life in subject.lives)


def _with_failure(verdict: Verdict, subject: Subject) -> Verdict:
    errors = errors_of(subject.lives)
    told = [raised(error, subject) for error in errors]
    check = Check(metric="succeeded", budget="≥ 1", actual=f"0 of {len(subject.lives)}", ok=False)
    places = tuple(error.where for error in errors if error.where)
    return replace(
        verdict,
        status=Status.FAIL,
        checks=(check, *verdict.checks),
        evidence=(*told[:1], *verdict.evidence),
        fix=(MEND, *verdict.fix),
        places=(*places[:1], *verdict.places),
    )
