from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pytest_celery_perf.judge.points import judge_point
from pytest_celery_perf.judge.sweep import verdict_of
from pytest_celery_perf.judge.trial import Trial
from pytest_celery_perf.model.history import History
from pytest_celery_perf.model.record import Execution, Frame, Outcome, Point
from pytest_celery_perf.model.spec import CrashSweepBudget, FaultSweepBudget, RerunBudget
from pytest_celery_perf.model.state import Column, State, Table
from pytest_celery_perf.model.sweep import PointResult, Rerun, Sweep, Target
from pytest_celery_perf.model.verdict import Status
from tests.unit.histories import NAME, at, crashed, error, execution, failed, fault, history, options

ROOT = Path("/app")


def point(number: int = 2, kind: str = "query", label: str = "SELECT 1", **fields: Any) -> Point:
    defaults = {"task_id": "t1", "name": NAME, "retries": 0, "delivery": 1, "at_ns": at(number)}
    stack = (Frame(path="/app/shop/tasks.py", line=24, function="charge"),)
    return Point(number=number, kind=kind, label=label, stack=stack, **{**defaults, **fields})


TARGET = Target(id="charge:2", point=point())


def rows(*titles: str) -> State:
    return State(tables=(Table(name="order", columns=(Column(name="title"),), rows=tuple((each,) for each in titles)),))


def judged(
    *executions: Execution,
    budget: RerunBudget | None = None,
    target: Target = TARGET,
    state: State | None = None,
    reference: History | None = None,
    complaint: str = "",
    kind: str = "kill-child",
    **fields: Any,
) -> PointResult:
    run = history(*executions, **{"faults": (fault(kind, point=target.point.at),), **fields})
    return judge_point(
        Trial(
            budget=budget or CrashSweepBudget(),
            target=target,
            reference=Rerun(history=reference or history(execution()), state=rows("one")),
            run=Rerun(history=run, state=rows("one") if state is None else state, complaint=complaint),
            root=ROOT,
        )
    )


def again(**fields: Any) -> Execution:
    return execution(delivery=2, redelivered=True, received=20, started=21, pid=812, **fields)


LOST = execution(ended=False, outcome=Outcome.LOST, acknowledged_ns=at(10))


def test_a_point_that_is_survived() -> None:
    result = judged(crashed(requeued_ns=at(6)), again())

    assert (result.status, result.findings, result.fix) == (Status.PASS, (), ())
    assert result.outcome == "completed, begun 2×"


def test_a_task_that_is_lost() -> None:
    result = judged(LOST, tasks={NAME: options(acks_late=False)})

    assert result.status is Status.FAIL
    assert result.findings == ("LOST: it was acknowledged before it ran (acks_late=False)",)
    assert any("set acks_late=True" in line and "shop/tasks.py:20" in line for line in result.fix)


def test_rows_that_differ() -> None:
    result = judged(crashed(requeued_ns=at(6)), again(), state=rows("one", "one"))

    assert result.findings == ("order: a row too many: title='one'",)
    assert any("transaction.atomic" in line for line in result.fix)


def test_an_assertion_of_the_test_itself() -> None:
    result = judged(crashed(requeued_ns=at(6)), again(), complaint="the test's own check failed: assert 1 == 2")

    assert result.findings == ("the test's own check failed: assert 1 == 2",)


def test_more_executions_than_are_allowed() -> None:
    runs = (crashed(requeued_ns=at(6)), again())

    result = judged(*runs, budget=CrashSweepBudget(max_executions=1))

    assert result.findings == ("executions 2 (budget ≤ 1)",)
    assert "raise max_executions= on purpose" in result.fix[0]


def test_retries_of_the_task_itself_do_not_count_against_it() -> None:
    usual = (execution(outcome=Outcome.RETRIED), execution(retries=1, received=20, started=21))
    more = (crashed(requeued_ns=at(6)), again(outcome=Outcome.RETRIED), execution(retries=1, received=40, started=41))

    assert judged(*more, reference=history(*usual)).findings == ()
    assert judged(*more, reference=history(*usual), budget=CrashSweepBudget(max_executions=1)).findings == (
        "executions 3 (budget ≤ 2)",
    )


def test_retries_of_another_task_of_its_name_count_for_that_one() -> None:
    other = [execution("t2", received=50 + n, started=50 + n, retries=n) for n in range(3)]
    runs = (crashed(requeued_ns=at(6)), again(), execution(delivery=3, received=30, started=31), *other)

    assert judged(*runs, reference=history(execution(), *other)).findings == ("executions 3 (budget ≤ 2)",)


@pytest.mark.parametrize(("struck", "made"), [("query", 2), ("connect", 1)])
def test_outbound_effects_are_counted_over_all_executions(struck: str, made: int) -> None:
    """The one before which the fault struck was none."""
    points = (point(3, "connect", "pay:443"), point(3, "connect", "pay:443", delivery=2))
    result = judged(
        crashed(requeued_ns=at(6)),
        again(),
        budget=CrashSweepBudget(outbound=0),
        target=Target(id="charge:3", point=point(3, struck)),
        points=points,
    )

    assert result.findings == (f"outbound {made} (budget ≤ 0): connections and messages, over all executions",)


def test_what_was_done_to_others_twice_is_told() -> None:
    sent = (point(3, "publish", "mail to celery"), point(3, "publish", "mail to celery", delivery=2))
    mails = [execution(name="mail", task_id=task_id) for task_id in ("m1", "m2")]
    result = judged(
        crashed(requeued_ns=at(6)),
        again(),
        *mails,
        target=Target(id="charge:4", point=point(4)),
        points=sent,
        reference=history(execution(), mails[0], points=sent[:1]),
    )

    assert result.status is Status.PASS
    assert result.outcome.endswith("begun 2×; outbound 2 instead of 1; mail published 2× instead of 1×")


def test_its_own_retry_is_no_outbound_effect() -> None:
    retry = point(3, "publish", f"{NAME} to celery")

    assert (
        judged(crashed(requeued_ns=at(6)), again(), budget=CrashSweepBudget(outbound=0), points=(retry,)).findings == ()
    )


def test_a_task_that_takes_another_path_is_not_judged() -> None:
    result = judged(
        execution(), kind="diverged", state=rows(), points=(point(2, "commit", "default"), point(1, "started", ""))
    )

    assert (result.status, result.outcome) == (Status.INCONCLUSIVE, "took another path: commit default")


def test_another_path_is_that_of_the_task_itself() -> None:
    """Not that of another one of its name, which came there first."""
    others = point(2, "finished", "", task_id="t2")
    result = judged(execution(), kind="diverged", points=(others, point(2, "commit", "default")))

    assert result.outcome == "took another path: commit default"


def test_what_had_stored_its_result_is_not_run_again() -> None:
    lost = execution(ended=False, acknowledged_ns=at(10))
    stored = point(1, "result", "SUCCESS")
    result = judged(lost, tasks={NAME: options(acks_late=True)}, points=(stored,))

    assert result.findings[0].startswith("LOST: its result was stored, so that Celery did not run it again")
    assert "something has to look after chords" in result.fix[0]


def test_a_point_that_is_never_reached_is_not_judged() -> None:
    result = judged(execution(), faults=())

    assert (result.status, result.outcome) == (Status.INCONCLUSIVE, "took another path, which never came here")


def test_an_error_that_is_not_retried() -> None:
    result = judged(
        failed(error=error("django.db.utils.OperationalError", "gone")),
        budget=FaultSweepBudget(errors=(("query", "django.db.utils:OperationalError", ""),)),
        kind="raise",
    )

    assert result.findings[0] == "FAILED: it failed with django.db.utils.OperationalError: gone"
    assert (
        "autoretry_for=(django.db.utils.OperationalError,) in the decorator of charge (shop/tasks.py:20)"
        in result.fix[0]
    )


def test_an_error_of_pythons_own_needs_no_module() -> None:
    assert "autoretry_for=(ConnectionError,)" in judged(failed(), budget=FaultSweepBudget(), kind="raise").fix[0]


def test_an_error_that_is_swallowed() -> None:
    """Nothing begins again, so that nothing need be found."""
    result = judged(execution(), state=rows(), budget=FaultSweepBudget(), kind="raise")

    assert result.findings == ("order: a row is missing: title='one'",)
    assert result.fix == (
        "the error at shop/tasks.py:24 was swallowed, and nobody tried again: let the task raise it, and retry it",
    )


def test_an_error_that_is_retried_in_vain() -> None:
    retried = (execution(outcome=Outcome.RETRIED), execution(retries=1, received=20, started=21))
    result = judged(*retried, state=rows(), budget=FaultSweepBudget(), kind="raise")

    assert "find it (a unique key" in result.fix[0]


@pytest.mark.parametrize("struck", ["publish", "query"])
def test_a_message_that_is_never_sent(struck: str) -> None:
    """What begins again finds the rows, and returns; `atomic` does not help."""
    publish = point(3, "publish", "shop.mail to celery")
    target = publish if struck == "publish" else point()
    result = judged(
        crashed(requeued_ns=at(6)),
        again(),
        state=rows(),
        target=Target(id="charge:3", point=target),
        reference=history(execution(), points=(point(), publish)),
        points=(target,),
    )

    (fix,) = result.fix
    assert fix.startswith("the message of shop.mail to celery was never sent: ")
    assert "transaction.atomic" not in fix


def test_a_message_that_is_sent_after_all() -> None:
    publish = point(3, "publish", "shop.mail to celery")
    result = judged(
        crashed(requeued_ns=at(6)),
        again(),
        state=rows("one", "one"),
        target=Target(id="charge:3", point=publish),
        reference=history(execution(), points=(publish,)),
        points=(publish, point(3, "publish", "shop.mail to celery", delivery=2)),
    )

    assert "transaction.atomic" in result.fix[0]


def test_a_retry_that_was_published_twice() -> None:
    usual = (execution(outcome=Outcome.RETRIED), execution(retries=1, received=20, started=21))
    more = [execution(delivery=n, received=30 * n, started=30 * n, retries=1) for n in range(1, 4)]
    retry, finished = point(3, "publish", f"{NAME} to celery"), point(4, "finished", "")
    result = judged(
        crashed(requeued_ns=at(6)),
        *more,
        target=Target(id="charge:4", point=finished),
        reference=history(*usual, points=(retry, finished)),
    )

    assert result.findings == ("executions 4 (budget ≤ 3)",)
    assert result.fix[0].startswith("the task had published its retry already and, begun again, publishes it again")


def test_what_fails_without_a_fault_may_fail_with_one() -> None:
    assert judged(failed(), reference=history(failed())).status is Status.PASS


def test_a_task_may_not_fail_because_another_one_of_its_name_does() -> None:
    """The ids are others in each run; which is which tells the order in which they were published."""
    reference = history(execution("good"), failed("bad", received=3))
    both = (failed("t1"), failed("t2", received=3, error=error("builtins.ValueError", "refused")))
    result = judged(*both, reference=reference, kind="raise", budget=FaultSweepBudget())

    assert result.findings == ("FAILED: it failed with builtins.ConnectionError: refused",)
    assert judged(execution("t1"), failed("t2", received=3), reference=reference).findings == ()


# -- the verdict -------------------------------------------------------------------------------


def result(id_: str = "charge:2", status: Status = Status.PASS, **fields: Any) -> PointResult:
    target = Target(id=id_, point=point(int(id_.partition(":")[2])))
    return PointResult(target=target, status=status, outcome="completed, begun 2×", **fields)


def swept(*results: PointResult, **fields: Any) -> Sweep:
    return Sweep(marker="celery_crash_sweep", task=NAME, fault="SIGKILL of the child", results=results, **fields)


def test_all_survived() -> None:
    verdict = verdict_of(swept(result(), result("charge:3")), ROOT)

    assert verdict.status is Status.PASS
    assert [(check.metric, check.actual, check.budget) for check in verdict.checks] == [
        ("points survived", "2", "= 2"),
        ("points struck", "2 of 2", "all"),
    ]


def test_what_is_left_out_is_told() -> None:
    verdict = verdict_of(swept(result(), left_out=(("sample=1, seed=0", ("charge:1", "charge:3")),)), ROOT)

    assert verdict.status is Status.PASS
    assert ("1 of 3", "2 left out: sample=1, seed=0") == (verdict.checks[1].actual, verdict.checks[1].budget)
    assert "not tried, sample=1, seed=0: charge:1, charge:3" in verdict.evidence


def test_a_failed_point_is_told_with_its_line_and_how_to_try_it_alone() -> None:
    bad = result("charge:3", Status.FAIL, findings=("order: a row too many: title='one'",), fix=("do it once",))
    verdict = verdict_of(swept(result(), bad), ROOT, "tests/test_shop.py::test_charge")

    assert verdict.status is Status.FAIL
    assert verdict.evidence == (
        "SIGKILL of the child right before each point:",
        "✓ charge:2  query SELECT 1  completed, begun 2×  (shop/tasks.py:24)",
        "✗ charge:3  query SELECT 1  completed, begun 2×  (shop/tasks.py:24)",
        "    order: a row too many: title='one'",
    )
    assert verdict.fix == (
        "do it once",
        "to try one point alone: pytest 'tests/test_shop.py::test_charge' --celery-perf-point=charge:3",
    )


def test_another_path_is_inconclusive() -> None:
    verdict = verdict_of(swept(result(), result("charge:3", Status.INCONCLUSIVE)), ROOT)

    assert verdict.status is Status.INCONCLUSIVE
    assert ("1 of 2", "1 not reached: another path") == (verdict.checks[1].actual, verdict.checks[1].budget)


def test_what_cannot_be_tried_fails() -> None:
    verdict = verdict_of(swept(problem="no task was published", advice=("publish one",)), ROOT)

    assert (verdict.status, verdict.evidence, verdict.fix) == (
        Status.FAIL,
        ("no task was published",),
        ("publish one",),
    )


def test_what_was_not_compared_is_told() -> None:
    verdict = verdict_of(swept(result(), unsteady=("order.code",), vague=("order.at",)), ROOT)

    assert "another in each run, so not compared: order.code" in verdict.evidence
    assert "another in each run, so compared as NULL or not alone: order.at" in verdict.evidence


def test_the_summary_of_what_passed_tells_what_was_not_compared() -> None:
    sweep = swept(result(), unsteady=("order.code",), vague=("order.at",), uncompared=(("log", "cannot be read"),))

    assert [(check.metric, check.actual, check.budget) for check in verdict_of(sweep, ROOT).checks[2:]] == [
        ("compared as NULL or not alone", "order.at", "another in each run"),
        ("not compared", "order.code", "another in each run"),
        ("not compared", "log", "cannot be read"),
    ]


@pytest.mark.parametrize("status", [Status.PASS, Status.FAIL])
def test_a_sweep_that_proves_nothing_is_inconclusive_at_best(status: Status) -> None:
    verdict = verdict_of(swept(result(status=status), doubt="nothing is compared", advice=("say more",)), ROOT)

    assert verdict.status is (Status.INCONCLUSIVE if status is Status.PASS else Status.FAIL)
    assert verdict.evidence[0] == "nothing is compared"
    assert verdict.fix[0] == "say more"
