"""A marker whose task cannot be judged says which tasks there were, and what was meant."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from pytest_celery_perf.judge import judge_all
from pytest_celery_perf.judge.registry import JUDGES
from pytest_celery_perf.model import spec
from pytest_celery_perf.model.history import History
from pytest_celery_perf.model.record import Outcome
from pytest_celery_perf.model.resources import CpuBudget
from pytest_celery_perf.model.spec import (
    Budget,
    LatencyBudget,
    QueriesBudget,
    RecoveryBudget,
    RetriesBudget,
    RoutingBudget,
)
from pytest_celery_perf.model.verdict import Status, Verdict
from tests.unit.histories import NAME, crashed, execution, failed, history, publication

UNDEMANDING = [
    LatencyBudget(max_s=60),
    RetriesBudget(attempts=1),
    RoutingBudget(queue="celery"),
    QueriesBudget(max=5),
]


def text(verdict: Verdict) -> str:
    return "\n".join((*(f"{each.metric} {each.actual}" for each in verdict.checks), *verdict.evidence, *verdict.fix))


@pytest.mark.parametrize("budget", [*UNDEMANDING, RecoveryBudget()])
def test_a_test_that_published_nothing_fails_and_says_so(budget: Budget) -> None:
    (verdict,) = judge_all([budget], History())
    assert verdict.status is Status.FAIL
    assert "no task was published while this test ran" in text(verdict)
    assert "django_db(transaction=True)" in text(verdict)


def test_a_task_whose_publishing_raised_need_not_be_published() -> None:
    (verdict,) = judge_all([LatencyBudget(max_s=60)], History(publications=(publication(confirmed=False),)))
    assert f"publishing {NAME} raised an exception, so there is nothing to judge" in verdict.evidence
    assert ("mend what made it raise: see the exception",) == verdict.fix


def test_a_task_that_was_not_published_is_told_with_those_that_were() -> None:
    told = history(execution(), execution("t2", name="shop.tasks.refund"))
    (verdict,) = judge_all([LatencyBudget(task="shop.jobs.charge", max_s=1)], told)
    assert (verdict.status, verdict.task) == (Status.FAIL, "shop.jobs.charge")
    assert "seen in this test: shop.tasks.charge, shop.tasks.refund" in text(verdict)
    assert "did you mean task='shop.tasks.charge'?" in text(verdict)


def test_a_misspelt_task_is_recognised() -> None:
    (verdict,) = judge_all([LatencyBudget(task="shop.tasks.chrage", max_s=1)], history(execution()))
    assert "did you mean task='shop.tasks.charge'?" in text(verdict)


@pytest.mark.parametrize("budget", [LatencyBudget(max_s=60), RetriesBudget(attempts=1), QueriesBudget(max=5)])
def test_a_task_that_never_started_fails_with_the_diagnosis(budget: Budget) -> None:
    told = History(publications=(publication(),), diagnosis="No worker consumes the queue.")
    (verdict,) = judge_all([budget], told)
    assert verdict.status is Status.FAIL
    assert "started 0 of 1" in text(verdict)
    assert "1 unfinished" in text(verdict)
    assert "No worker consumes the queue." in text(verdict)


def test_a_task_that_had_expired_was_revoked_by_nobody() -> None:
    told = History(publications=(publication(discarded=Outcome.REVOKED, expired=True),))
    (verdict,) = judge_all([LatencyBudget(max_s=60)], told)
    assert ("1 expired",) == verdict.evidence
    assert "give it a later expires=" in verdict.fix[0]


def test_a_task_that_was_revoked_is_asked_about() -> None:
    told = History(publications=(publication(discarded=Outcome.REVOKED),))
    (verdict,) = judge_all([LatencyBudget(max_s=60)], told)
    assert ("1 revoked",) == verdict.evidence
    assert "does the test, or the code that it calls, mean to revoke it?" in verdict.fix[0]


@pytest.mark.parametrize("budget", [LatencyBudget(max_s=60), CpuBudget(max_s=60)])
def test_a_task_that_runs_still_needs_no_other_sample(budget: Budget) -> None:
    (verdict,) = judge_all([budget], history(crashed()))
    assert ["ended"] == [check.metric for check in verdict.checks]
    assert ("1 unfinished",) == verdict.evidence[:1]
    assert () == verdict.fix


@pytest.mark.parametrize("budget", UNDEMANDING)
def test_without_a_name_each_task_name_is_judged_on_its_own(budget: Budget) -> None:
    told = history(execution(), execution("t2", name="shop.tasks.refund"))
    verdicts = judge_all([budget], told)
    assert [verdict.task for verdict in verdicts] == [NAME, "shop.tasks.refund"]
    assert {verdict.status for verdict in verdicts} == {Status.PASS}


def test_a_named_task_alone_is_judged() -> None:
    told = history(execution(), failed("t2", name="shop.tasks.refund"))
    (verdict,) = judge_all([RetriesBudget(task=NAME, final="succeeded")], told)
    assert (verdict.task, verdict.status) == (NAME, Status.PASS)


def test_verdicts_come_in_the_order_of_the_markers_and_bear_their_names() -> None:
    assert [verdict.marker for verdict in judge_all(UNDEMANDING, history(execution()))] == [
        "celery_latency",
        "celery_retries",
        "celery_routing",
        "celery_queries",
    ]


def test_every_budget_has_a_judge() -> None:
    modules = [spec, *(sys.modules[each.__module__] for each in JUDGES)]
    named = {each for module in modules for each in vars(module).values() if isinstance(each, type)}
    budgets = {each for each in named if issubclass(each, Budget)}
    of_one_run = {each for each in budgets if not issubclass(each, spec.RerunBudget)}  # the others: judge/points.py
    bases = {base for each in budgets for base in each.__mro__[1:]}
    assert of_one_run - bases <= JUDGES.keys() <= of_one_run


def test_paths_are_shown_relative_to_the_root() -> None:
    told = history(failed())
    (inside,) = judge_all([RetriesBudget(final="succeeded")], told, Path("/app"))
    (outside,) = judge_all([RetriesBudget(final="succeeded")], told, Path("/elsewhere"))
    assert "ConnectionError: refused at shop/tasks.py:30" in text(inside)
    assert "ConnectionError: refused at /app/shop/tasks.py:30" in text(outside)
