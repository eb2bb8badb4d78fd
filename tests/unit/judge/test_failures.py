"""A task that fails each time has kept no budget, unless the test is about failing."""

from __future__ import annotations

from typing import Any

import pytest

from pytest_celery_perf.judge import judge_all
from pytest_celery_perf.model.history import History
from pytest_celery_perf.model.record import Execution, Frame, Outcome, TaskError
from pytest_celery_perf.model.spec import Budget, LatencyBudget, QueriesBudget, ReliableBudget, RetriesBudget
from pytest_celery_perf.model.verdict import Status
from tests.unit.histories import execution, fault, history

LINE = Frame(path="/shop/tasks.py", line=7, function="charge")
ERROR = TaskError(type="shop.errors.OutOfStock", message="no pears", where=LINE)
QUICK = LatencyBudget(max_s=1)


def failed(task_id: str = "t1", **fields: Any) -> Execution:
    return execution(task_id, outcome=Outcome.FAILED, error=ERROR, **fields)


def statuses(told: History, *budgets: Budget) -> list[Status]:
    return [verdict.status for verdict in judge_all(budgets, told)]


def test_budgets_of_a_task_that_always_fails_are_not_kept() -> None:
    (verdict,) = judge_all([QUICK], history(failed("t1"), failed("t2")))
    assert verdict.status is Status.FAIL
    assert [(check.metric, check.budget, check.actual, check.ok) for check in verdict.checks] == [
        ("succeeded", "≥ 1", "0 of 2", False),
        ("max runtime", "≤ 1s", "10ms", True),
    ]
    assert verdict.evidence[0] == "it raised OutOfStock: no pears at /shop/tasks.py:7"
    (fix,) = verdict.fix
    assert 'if it shall fail, say so: @pytest.mark.celery_retries(final="failed")' in fix
    assert verdict.places == (LINE,)


def test_each_marker_says_so() -> None:
    assert statuses(history(failed()), QUICK, QueriesBudget(max=3)) == [Status.FAIL, Status.FAIL]


def test_one_success_is_enough() -> None:
    assert statuses(history(failed("t1"), execution("t2")), QUICK) == [Status.PASS]


@pytest.mark.parametrize("task", [None, "shop.tasks.charge"])
def test_a_test_may_be_about_failing(task: str | None) -> None:
    assert statuses(history(failed()), QUICK, RetriesBudget(task=task, final="failed")) == [Status.PASS, Status.PASS]


def test_a_test_about_the_failures_of_another_task_is_not() -> None:
    told = history(failed(), execution("t2", name="shop.tasks.refund", outcome=Outcome.FAILED, error=ERROR))
    verdicts = judge_all([QUICK, RetriesBudget(task="shop.tasks.refund", final="failed")], told)
    assert [(each.marker, each.task, each.status) for each in verdicts] == [
        ("celery_latency", "shop.tasks.charge", Status.FAIL),
        ("celery_latency", "shop.tasks.refund", Status.PASS),
        ("celery_retries", "shop.tasks.refund", Status.PASS),
    ]


def test_failures_that_the_test_has_ordered_are_not_the_tasks_own() -> None:
    assert statuses(history(failed(injected=True)), QUICK) == [Status.PASS]


def test_failures_after_a_fault_are_judged_by_the_markers_on_faults() -> None:
    assert statuses(history(failed(), faults=[fault()]), QUICK) == [Status.PASS]


def test_what_a_marker_on_reliability_has_said_is_not_said_again() -> None:
    latency, reliable = judge_all([QUICK, ReliableBudget()], history(failed()))
    assert (latency.status, reliable.status) == (Status.PASS, Status.FAIL)
