"""What two deliveries of one message came to: judged beside a run with one delivery."""

from __future__ import annotations

from typing import Any

from pytest_celery_perf.judge.points import judge_point
from pytest_celery_perf.judge.trial import Trial
from pytest_celery_perf.model.history import History
from pytest_celery_perf.model.record import Execution, Outcome, Point
from pytest_celery_perf.model.spec import IdempotentBudget
from pytest_celery_perf.model.state import Column, State, Table
from pytest_celery_perf.model.sweep import PointResult, Rerun, Target
from pytest_celery_perf.model.verdict import Status
from tests.unit.histories import NAME, at, error, execution, failed, fault, history

UNIQUE = error("django.db.utils.IntegrityError", "UNIQUE constraint failed")


def point(number: int = 3, kind: str = "query", label: str = "UPDATE job", **fields: Any) -> Point:
    defaults = {"task_id": "t1", "name": NAME, "retries": 0, "delivery": 1, "at_ns": at(number)}
    return Point(number=number, kind=kind, label=label, **{**defaults, **fields})


def connect(task_id: str, delivery: int = 1) -> Point:
    return point(4, "connect", "bank:443", task_id=task_id, delivery=delivery)


def rows(*titles: str) -> State:
    return State(tables=(Table(name="job", columns=(Column(name="state"),), rows=tuple((each,) for each in titles)),))


def judged(
    *executions: Execution,
    budget: IdempotentBudget | None = None,
    target: Point | None = None,
    state: State | None = None,
    reference: History | None = None,
    released: str = "the second delivery has ended",
    sent: str = "t1",
    **fields: Any,
) -> PointResult:
    target = target or point()
    kind = "again" if sent == "t1" else "double"
    faults = (
        fault(kind, point=target.at, task_id="t1"),
        fault("delivered-again", ms=6, task_id=sent),
        fault("released", ms=9, task_id="t1", detail=released),
    )
    return judge_point(
        Trial(
            budget=budget or IdempotentBudget(),
            target=Target(id="charge:3", point=target),
            reference=Rerun(history=reference or history(execution()), state=rows("done")),
            run=Rerun(history=history(*executions, faults=faults, **fields), state=state or rows("done")),
        )
    )


def second(task_id: str = "t1", **fields: Any) -> Execution:
    defaults = {"delivery": 2 if task_id == "t1" else 1, "received": 6, "started": 7, "body": 1, "pid": 812}
    return execution(task_id, **{**defaults, **fields})


def test_two_at_once_that_leave_behind_what_one_does() -> None:
    result = judged(execution(), second())
    assert (Status.PASS, (), ()) == (result.status, result.findings, result.fix)
    assert result.outcome == "at once: 1st succeeded, 2nd succeeded"


def test_one_after_the_other() -> None:
    result = judged(execution(), second(received=20, started=21), target=point(9, "acknowledgment", ""))
    assert (Status.PASS, "in sequence: 1st succeeded, 2nd succeeded") == (result.status, result.outcome)


def test_one_that_waits_for_the_other() -> None:
    result = judged(execution(), second(), released="the second delivery waits at query UPDATE job SET a = ?")
    assert "2nd waited for 1st at UPDATE job SET a = ?" in result.outcome


def test_rows_that_differ_at_once() -> None:
    result = judged(execution(), second(), state=rows("done", "done"))
    assert (Status.FAIL, ("job: a row too many: state='done'",)) == (result.status, result.findings)
    assert any("select_for_update(skip_locked=True)" in line for line in result.fix)


def test_rows_that_differ_in_sequence() -> None:
    result = judged(execution(), second(), state=rows("done", "done"), target=point(9, "acknowledgment", ""))
    assert any("find it (a unique key" in line for line in result.fix)


def test_a_delivery_that_fails() -> None:
    result = judged(execution(), second(outcome=Outcome.FAILED, error=UNIQUE))
    assert result.findings == (
        "FAILED: a delivery failed with IntegrityError: UNIQUE constraint failed at /app/shop/tasks.py:30",
    )
    assert any("refusals=[IntegrityError]" in line for line in result.fix)


def test_a_delivery_that_fails_after_its_retries() -> None:
    retried = second(outcome=Outcome.RETRIED, error=UNIQUE)
    result = judged(execution(), retried, failed(received=30, started=31, retries=1, error=UNIQUE))
    assert (Status.FAIL, "at once: 1st succeeded, 2nd retried") == (result.status, result.outcome)
    assert "a delivery failed with IntegrityError" in result.findings[0]


def test_a_refusal_that_is_declared_by_either_name() -> None:
    for name in ("IntegrityError", "django.db.utils.IntegrityError"):
        budget = IdempotentBudget(refusals=(name,))
        result = judged(failed(error=UNIQUE), second(), budget=budget)
        assert (Status.PASS, "at once: 1st failed, 2nd succeeded") == (result.status, result.outcome)


def test_a_refusal_whose_name_is_misspelt() -> None:
    budget = IdempotentBudget(refusals=("Timeout", "IntegrityEror"))
    result = judged(execution(), second(outcome=Outcome.FAILED, error=UNIQUE), budget=budget)
    assert any("refusals=[IntegrityError]; did you mean that by 'IntegrityEror'?" in line for line in result.fix)


def test_what_fails_with_one_delivery_may_fail_with_two() -> None:
    result = judged(failed(), second(outcome=Outcome.FAILED, error=error()), reference=history(failed()))
    assert result.status is Status.PASS


def test_what_another_task_fails_with_is_no_excuse() -> None:
    reference = history(execution("good"), failed("bad", received=20, error=UNIQUE))
    result = judged(execution(), second(outcome=Outcome.FAILED, error=UNIQUE), reference=reference)
    assert "a delivery failed with IntegrityError" in result.findings[0]


def test_sqlite_that_refuses_to_write() -> None:
    locked = error("django.db.utils.OperationalError", "database is locked")
    result = judged(execution(), second(outcome=Outcome.FAILED, error=locked))
    assert any("transaction_mode" in line for line in result.fix)


def test_effects_on_others_are_counted_over_both() -> None:
    points = (connect("t1"), connect("t1", 2))
    reference = history(execution(), points=points[:1])
    results = [
        judged(execution(), second(), budget=IdempotentBudget(outbound=most), points=points, reference=reference)
        for most in (None, 2, 1)
    ]
    assert [Status.PASS, Status.PASS, Status.FAIL] == [each.status for each in results]
    assert all(each.outcome.endswith("outbound 2 instead of 1") for each in results)
    assert results[-1].findings == ("outbound 2 (budget ≤ 1): connections and messages, over all executions",)


def test_effects_on_others_are_compared_with_the_tasks_own() -> None:
    reference = history(execution(), execution("other", received=20), points=(connect("t1"), *[connect("other")] * 2))
    result = judged(execution(), second(), points=(connect("t1"), connect("t1", 2)), reference=reference)
    assert result.outcome.endswith("outbound 2 instead of 1")


def test_a_second_message_with_an_id_of_its_own_counts_too() -> None:
    points = (connect("t1"), connect("t2"))
    result = judged(execution(), second("t2"), budget=IdempotentBudget(outbound=1), points=points, sent="t2")
    assert (Status.FAIL, "at once: 1st succeeded, 2nd succeeded") == (result.status, result.outcome.partition(";")[0])


def test_another_path() -> None:
    assert (
        judge_point(
            Trial(
                budget=IdempotentBudget(),
                target=Target(id="charge:3", point=point()),
                reference=Rerun(history=history(execution()), state=rows("done")),
                run=Rerun(history=history(execution()), state=rows("done")),
            )
        ).status
        is Status.INCONCLUSIVE
    )
