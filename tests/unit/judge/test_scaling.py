from __future__ import annotations

from dataclasses import replace

import pytest

from pytest_celery_perf.judge.scaling import judge
from pytest_celery_perf.model.record import Execution
from pytest_celery_perf.model.scaling import ScalingBudget
from pytest_celery_perf.model.verdict import Status, Verdict
from tests.unit.histories import crashed, execution, failed, history, query

SIZES = (2, 4)
AUTHOR = "SELECT a FROM author WHERE id = %s"
BOOK = "SELECT b FROM book WHERE id = %s"


def verdict_on(budget: ScalingBudget, **of: Execution) -> Verdict:
    """Judge an execution on data of size 2, and one of size 4."""
    executions = [replace(each, task_id=task, root_id=task) for task, each in of.items()]
    sizes = dict(zip(of, SIZES, strict=True))
    (verdict,) = judge(budget, replace(history(*executions), sizes=sizes))
    return verdict


def asks(authors: int, books: int = 0) -> Execution:
    return execution(queries=(query(authors, sql=AUTHOR), *([query(books, sql=BOOK)] if books else [])))


def test_one_run_alone_is_not_judged() -> None:
    assert judge(ScalingBudget(sizes=SIZES, max_slope=0), history(asks(3))) == ()


def test_what_one_statement_saves_does_not_hide_what_another_costs() -> None:
    verdict = verdict_on(ScalingBudget(sizes=SIZES, max_slope=0), small=asks(1, books=4), large=asks(3, books=2))
    assert verdict.status is Status.FAIL
    told = [(check.metric, check.actual, check.ok) for check in verdict.checks]
    assert told == [("queries per row", "0", True), ("queries of one statement per row", "+1.00", False)]
    assert verdict.evidence[1].startswith("SELECT a FROM author WHERE id = ?: +1.00 per row (1 → 3)")


def test_a_slope_that_is_allowed() -> None:
    verdict = verdict_on(ScalingBudget(sizes=SIZES, max_slope=1), small=asks(2), large=asks(4))
    assert (verdict.status, verdict.checks[0].actual, verdict.checks[0].budget) == (Status.PASS, "+1.00", "≤ 1")


def test_a_small_slope_is_not_shown_as_none() -> None:
    small = replace(asks(1), task_id="a", root_id="a")
    large = replace(asks(2), task_id="b", root_id="b")
    (verdict,) = judge(
        ScalingBudget(sizes=(1, 1001), max_slope=0), replace(history(small, large), sizes={"a": 1, "b": 1001})
    )
    assert verdict.checks[0].actual == "+0.001"


def test_a_size_at_which_nothing_succeeded() -> None:
    verdict = verdict_on(ScalingBudget(sizes=SIZES, max_slope=0), small=asks(1), large=failed())
    assert verdict.status is Status.FAIL
    assert [(check.metric, check.actual) for check in verdict.checks] == [("succeeded at size 4", "0 of 1")]
    assert verdict.evidence == (
        "at size 4 it raised ConnectionError: refused at /app/shop/tasks.py:30",
        "only executions that succeed are compared: 1 succeeded, 1 failed",
    )
    assert verdict.fix == ("mend it, or what the test gives it at size 4",)
    assert [each.line for each in verdict.places] == [30]


def test_a_size_at_which_nothing_ended() -> None:
    small, large = replace(asks(1), task_id="a", root_id="a"), crashed("b")
    told = replace(history(small, large), sizes={"a": 2, "b": 4}, diagnosis="its worker died")
    (verdict,) = judge(ScalingBudget(sizes=SIZES, max_slope=0), told)
    assert verdict.status is Status.FAIL
    assert [(check.metric, check.actual) for check in verdict.checks] == [("succeeded at size 4", "0 of 1")]
    assert verdict.evidence[-1] == "its worker died"


def test_a_size_at_which_nothing_was_published() -> None:
    small = replace(asks(1), task_id="a", root_id="a")
    for sizes in ((2, 4), (1, 2)):
        (verdict,) = judge(ScalingBudget(sizes=sizes, max_slope=0), replace(history(small), sizes={"a": 2}))
        (other,) = {*sizes} - {2}
        assert [(check.metric, check.actual, check.ok) for check in verdict.checks] == [
            (f"published at size {other}", "0 times", False)
        ]
        assert verdict.fix == ("publish the task whatever celery_size is",)


@pytest.mark.parametrize(
    ("metric", "pool", "why"),
    [
        ("memory_peak", "threads", "not attributable on this pool: threads; run this test on prefork or solo"),
        ("calls", "gevent", "not attributable on this pool: gevent; run this test on prefork, solo or threads"),
        ("cache_hit_ratio", "threads", "not known of any execution at sizes 2, 4: none had it, or none told"),
    ],
)
def test_a_figure_that_nobody_can_tell(metric: str, pool: str, why: str) -> None:
    each = execution(pool=pool)
    verdict = verdict_on(ScalingBudget(sizes=SIZES, metric=metric, max_slope=0), small=each, large=each)
    assert (verdict.status, verdict.checks) == (Status.INCONCLUSIVE, ())
    assert verdict.evidence == (f"{metric} is {why}",)


def test_a_power_that_nobody_can_tell() -> None:
    verdict = verdict_on(ScalingBudget(sizes=SIZES, max_order=1), small=execution(), large=execution())
    assert [(check.actual, check.ok) for check in verdict.checks] == [("unknown (a figure or a size is 0)", False)]
