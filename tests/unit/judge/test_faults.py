from __future__ import annotations

from typing import Any

import pytest

from pytest_celery_perf.judge import judge_all
from pytest_celery_perf.model.faults import Fault
from pytest_celery_perf.model.history import History
from pytest_celery_perf.model.orders import FailBudget, FaultBudget
from pytest_celery_perf.model.spec import Budget
from pytest_celery_perf.model.verdict import Status, Verdict
from tests.unit.histories import NAME, at, execution, history, options, publication


def judged(budget: Budget, *faults: Fault) -> Verdict:
    history = History(publications=(publication(),), executions=(execution(),), faults=faults)
    (verdict,) = judge_all([budget], history)
    return verdict


def struck(kind: str, point: str = "started", task_id: str = "t1") -> Fault:
    return Fault(kind=kind, point=point, task_id=task_id, at_ns=at(3))


@pytest.mark.parametrize(
    ("kind", "fault"),
    [
        ("kill_child", struck("kill-child")),
        ("terminate", struck("stop-worker")),
        ("freeze", struck("freeze-worker")),
        ("time_limit", struck("time-limit", "time-limit")),
        ("kill_broker", struck("kill-broker")),
    ],
)
def test_what_happened(kind: str, fault: Fault) -> None:
    assert judged(FaultBudget(kind=kind), fault).status is Status.PASS


@pytest.mark.parametrize(
    "fault",
    [struck("kill-child"), struck("kill-worker", "finished"), struck("kill-worker", task_id="t2")],
    ids=["another kind", "another point", "another task"],
)
def test_what_did_not_happen(fault: Fault) -> None:
    verdict = judged(FaultBudget(kind="kill_worker", task=NAME), fault)
    assert verdict.status is Status.FAIL
    assert [(check.metric, check.budget, check.actual) for check in verdict.checks] == [
        ("kill_worker at started", "= 1×", "0×")
    ]


def test_too_often_is_wrong_too() -> None:
    assert judged(FaultBudget(kind="kill_child"), struck("kill-child"), struck("kill-child")).failed


@pytest.mark.parametrize(
    ("kind", "limits", "advice"),
    [
        (
            "time_limit",
            {},
            f"no time_limit ends {NAME} in production when it hangs: set time_limit=, or task_time_limit",
        ),
        ("soft_time_limit", {"time_limit_s": 9.0}, f"no soft_time_limit ends {NAME} in production when it hangs: set"),
        ("time_limit", {"time_limit_s": 9.0}, "publish it 2× or more, or say times= how often it really comes there"),
    ],
)
def test_a_task_without_a_time_limit_is_spared(kind: str, limits: dict[str, Any], advice: str) -> None:
    told = history(execution(), tasks={NAME: options(**limits)})
    (verdict,) = judge_all([FaultBudget(kind=kind, times=2)], told)
    assert advice in verdict.fix[0]


def test_a_limit_that_struck_was_there_wherever_it_came_from() -> None:
    told = history(execution(), faults=(struck("time-limit", "time-limit"),), tasks={NAME: options()})
    (verdict,) = judge_all([FaultBudget(kind="time_limit", times=2)], told)
    assert verdict.fix == ("publish it 2× or more, or say times= how often it really comes there",)


def test_how_far_it_got() -> None:
    verdict = judged(FaultBudget(kind="freeze", at="query:3"))
    assert verdict.evidence == ("of 1 task, executions were received 1× and begun 1×, with 0 queries at most",)
    assert verdict.fix == ("use at='started'",)


def test_no_such_task() -> None:
    verdict = judged(FaultBudget(kind="freeze", task="shop.tasks.ship"))
    assert (verdict.marker, verdict.status) == ("celery_fault", Status.FAIL)
    assert verdict.evidence == (f"seen in this test: {NAME}",)


RAISED = struck("raise", "body")


def test_an_error_that_was_raised_as_often_as_ordered() -> None:
    assert judged(FailBudget(task=NAME, times=2), RAISED, RAISED).status is Status.PASS


def test_an_error_that_was_raised_too_seldom() -> None:
    verdict = judged(FailBudget(times=2), RAISED, struck("raise", "touch:2"))
    assert [(check.metric, check.budget, check.actual) for check in verdict.checks] == [("raised", "= 2×", "1×")]
    assert verdict.evidence == ("of 1 task, executions were received 1× and begun 1×",)
    assert verdict.fix == ("publish it more often, have it retry, or say times=1",)


def test_an_error_that_was_ordered_too_late() -> None:
    verdict = judged(FailBudget(times=1))
    assert verdict.fix == ("call celery_perf.fail before the task is published: the order goes with its message",)


def test_an_error_of_a_task_that_was_not_published() -> None:
    verdict = judged(FailBudget(task="shop.tasks.ship", times=1))
    assert (verdict.marker, verdict.status) == ("celery_perf.fail", Status.FAIL)
    assert verdict.evidence == (f"seen in this test: {NAME}",)
