"""What a test was found to do once is not undone by an attempt that does not show it."""

from __future__ import annotations

from pytest_celery_perf.locks.attempts import Attempts
from pytest_celery_perf.model.verdict import Check, Status, Verdict

TEST = "test_shop.py::test_pay"


def verdict(task: str, actual: int) -> Verdict:
    return Verdict(
        marker="celery_lock",
        task=task,
        status=Status.FAIL if actual > 1 else Status.PASS,
        checks=(Check(metric="queries", budget="= 1", actual=f"{actual}", ok=actual <= 1),),
        evidence=("+1  SELECT 1",),
    )


def test_what_has_failed_fails_again_and_says_why() -> None:
    attempts = Attempts()
    first = (verdict("pay", 2), verdict("mail", 1))
    assert first == attempts.hold(TEST, first)
    for _ in range(2):
        pay, mail = attempts.hold(TEST, [verdict("pay", 1), verdict("mail", 1)])
        assert (Status.FAIL, first[0].checks) == (pay.status, pay.checks)
        assert pay.evidence[0].startswith("an earlier attempt of this test did so: a rerun does not undo it")
        assert pay.evidence[1:] == first[0].evidence
        assert mail == first[1]


def test_each_task_fails_by_its_own_last_failure() -> None:
    attempts = Attempts()
    attempts.hold(TEST, [verdict("pay", 2), verdict("mail", 1)])
    again = attempts.hold(TEST, [verdict("pay", 3), verdict("mail", 2)])
    assert again == (verdict("pay", 3), verdict("mail", 2))
    last = attempts.hold(TEST, [verdict("mail", 1)])  # "pay" did not run
    assert [(each.task, each.checks[0].actual) for each in last] == [("mail", "2"), ("pay", "3")]


def test_each_test_has_its_own() -> None:
    attempts = Attempts()
    attempts.hold(TEST, [verdict("pay", 2)])
    assert (verdict("pay", 1),) == attempts.hold("test_shop.py::test_other", [verdict("pay", 1)])
