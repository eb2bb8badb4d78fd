"""Two test runs are compared exactly where that is possible, and not at all where it is not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from pytest_celery_perf.judge.runs import judge
from pytest_celery_perf.model.comparison import TestPair
from pytest_celery_perf.model.gate import Comparison, GateReport, Series, Standing
from pytest_celery_perf.model.history import History
from pytest_celery_perf.model.record import Outcome, QueryUse
from pytest_celery_perf.model.result import TestResult
from pytest_celery_perf.model.verdict import Status, Verdict
from pytest_celery_perf.report.comparison import SEPARATE, comparison_text
from tests.unit.histories import NAME, execution, failed, history, publication, query

TEST, HERE = "tests/test_shop.py::test_pay", {"python": "3.11.7"}
STOCK = "SELECT 1 FROM stock WHERE id = %s"


def did(*queries: QueryUse, body: float = 10, times: int = 1) -> History:
    """Build what a test's executions did, all alike."""
    ids = [f"t{number}" for number in range(times)]
    return history(
        *(execution(each, body=body, queries=queries, cpu_ns=round(body * 1e5)) for each in ids),
        publications=tuple(map(publication, ids)),
    )


def result(what: History, name: str = TEST, outcome: str = "passed") -> TestResult:
    return TestResult(nodeid=name, outcome=outcome, history=what)


def compared(
    before: Sequence[TestResult], after: Sequence[TestResult], *gates: GateReport | None
) -> tuple[TestPair, ...]:
    first, second = gates or (None, None)
    return judge(before, after, (HERE, HERE), (first, second))


def test_runs_that_do_the_same_are_the_same_however_long_they_take() -> None:
    (pair,) = compared([result(did(query(), times=3))], [result(did(query(), body=99, times=3))])
    assert (False, False, Standing.COMPARED) == (pair.worse, pair.better, pair.standing)
    assert [
        "tests/test_shop.py::test_pay  before  after  change",
        "shop.tasks.charge executions       3      3       =",
        "shop.tasks.charge queries          3      3       =",
        "shop.tasks.charge runtime       10ms   99ms  +890 %",
        "shop.tasks.charge cpu            1ms  9.9ms  +890 %",
        "",
        *SEPARATE,
        "1 test compared: 0 worse, 1 the same",
    ] == comparison_text([pair], gated=False).splitlines()


def test_one_query_more_is_worse() -> None:
    (pair,) = compared([result(did(query()))], [result(did(query(), query(2, sql=STOCK)))])
    assert pair.worse
    (verdict,) = pair.verdicts
    assert ("compare", NAME, Status.FAIL, ()) == (verdict.marker, verdict.task, verdict.status, verdict.fix)
    text = comparison_text([pair], gated=False)
    assert "✗ compare shop.tasks.charge: queries 3, +2 queries (budget = 1)" in text
    assert text.endswith("1 test compared: 1 worse")


def test_one_query_less_is_better() -> None:
    (pair,) = compared([result(did(query(), query(sql=STOCK)))], [result(did(query()))])
    assert (False, True) == (pair.worse, pair.better)
    text = comparison_text([pair], gated=False)
    assert "queries 1, -1 query (was 2)" in text
    assert text.endswith("1 test compared: 0 worse, 1 better")


def test_one_execution_more_is_worse() -> None:
    (pair,) = compared([result(did(times=2))], [result(did(times=3))])
    assert pair.worse


def test_tasks_that_are_ignored_are_not_the_same_and_no_faster() -> None:
    ignored = [execution(each, body=0.01, outcome=Outcome.IGNORED) for each in ("t0", "t1")]
    after = history(*ignored, publications=tuple(map(publication, ("t0", "t1"))))
    (pair,) = compared([result(did(times=2))], [result(after)])
    assert pair.worse
    assert [
        "tests/test_shop.py::test_pay         before  after  change",
        "shop.tasks.charge executions              2      2       =",
        "shop.tasks.charge ignored                 0      2      +2",
        "shop.tasks.charge runtime              10ms      –       –",
        "shop.tasks.charge cpu                   1ms      –       –",
        "shop.tasks.charge runtime (ignored)       –   10µs       –",
        "",
        "tests/test_shop.py::test_pay:",
        "✗ compare shop.tasks.charge: ignored tasks 2, +2 ignored tasks (budget = 0)",
        "    ✓ executions                       2  = 2",
        "    ✗ ignored tasks  2, +2 ignored tasks  = 0",
    ] == comparison_text([pair], gated=False).splitlines()[:11]


def test_each_end_is_put_beside_the_same() -> None:
    before, after = (
        history(failed("t0", body=1), execution("t1", body=body), publications=(publication("t0"), publication("t1")))
        for body in (10, 20)
    )
    (pair,) = compared([result(before)], [result(after)])
    assert [("runtime", "failed", 0.001, 0.001), ("runtime", "", 0.01, 0.02)] == [
        (row.metric, row.end, row.before, row.after) for row in pair.rows if not row.exact
    ]


def test_new_removed_and_renamed_are_told() -> None:
    before = [result(did(query(), query(sql=STOCK)), "t.py::test_old"), result(did(times=5), "t.py::test_gone")]
    after = [result(did(query(), query(sql=STOCK)), "t.py::test_young"), result(did(times=3), "t.py::test_more")]
    pairs = compared(before, after)
    assert [
        (Standing.RENAMED, "t.py::test_young", "t.py::test_old"),
        (Standing.NEW, "t.py::test_more", ""),
        (Standing.REMOVED, "t.py::test_gone", ""),
    ] == [(pair.standing, pair.test, pair.before) for pair in pairs]
    assert not any(pair.worse for pair in pairs)
    assert {"RENAMED  t.py::test_young, before t.py::test_old", "NEW  t.py::test_more", "REMOVED  t.py::test_gone"} < {
        *comparison_text(pairs, gated=False).splitlines()
    }


def test_a_removed_test_that_failed_is_told_so() -> None:
    (pair,) = compared([result(did(), outcome="failed")], [])
    assert (Standing.REMOVED, False) == (pair.standing, pair.compared)
    assert f"REMOVED  {TEST}: it did not pass before" in comparison_text([pair], gated=False)


@pytest.mark.parametrize(
    ("outcomes", "told"),
    [
        (("failed", "passed"), "it did not pass before"),
        (("passed", "failed"), "it did not pass after"),
        (("failed", "failed"), "it did not pass before and after"),
    ],
)
def test_what_failed_is_not_compared(outcomes: tuple[str, str], told: str) -> None:
    before, after = (result(did(times=n), outcome=outcome) for n, outcome in enumerate(outcomes, 1))
    (pair,) = compared([before], [after])
    assert (Standing.BROKEN, told, ()) == (pair.standing, pair.reason, pair.verdicts)
    assert f"BROKEN  {TEST}: {told}" in comparison_text([pair], gated=False)
    assert pair.worse is (outcomes == ("passed", "failed"))


def test_a_test_that_fails_now_says_why() -> None:
    failed, passed = (Verdict(marker="celery_queries", task=NAME, status=each) for each in (Status.FAIL, Status.PASS))
    now = replace(result(did(query()), outcome="failed"), verdicts=(failed, passed))
    (pair,) = compared([result(did(query()))], [now])
    assert (True, (failed,)) == (pair.worse, pair.verdicts)
    assert f"✗ celery_queries {NAME}" in comparison_text([pair], gated=False)


def test_how_many_tasks_a_schedule_published_is_not_exact() -> None:
    before, after = (
        replace(did(times=n), publications=tuple(publication(f"t{i}", intended_ns=i) for i in range(n))) for n in (3, 4)
    )
    (pair,) = compared([result(before)], [result(after)])
    assert (False, ()) == (pair.worse, pair.verdicts)
    assert pair.reason == "a schedule decided how many tasks there were, so nothing is exact"


# -- where a gate made both ----------------------------------------------------------------


def gate(factor: float, base: str = "1a2b3c4 (merge base with origin/main)", epochs: int = 30) -> GateReport:
    """Build a comparison in which the head takes so many times what the base takes, on a machine that wavers."""
    figures = tuple(0.02 * (1 + (number * 7 % 5) / 10) for number in range(epochs))
    noise = [1 + (number * 3 % 4 - 1.5) / 100 for number in range(epochs)]
    series = Series(base=figures, head=tuple(each * factor * n for each, n in zip(figures, noise, strict=True)))
    comparison = Comparison(test=TEST, standing=Standing.COMPARED, task=NAME, metric="runtime", series=series)
    return GateReport(
        base=base,
        head="the checkout",
        differences={},
        notes=(),
        epochs=epochs,
        duration_s=9.0,
        comparisons=(comparison,),
    )


@pytest.mark.parametrize(("factor", "status"), [(1.0, Status.PASS), (1.5, Status.FAIL), (0.7, Status.PASS)])
def test_two_gates_of_the_same_base_judge_times(factor: float, status: Status) -> None:
    (pair,) = compared([result(did(query()))], [result(did(query()))], gate(1.3), gate(1.3 * factor))
    _, verdict = pair.verdicts
    assert ("celery_regression", status) == (verdict.marker, verdict.status)
    assert pair.worse is (status is Status.FAIL)


@pytest.mark.parametrize("other", [None, gate(2.0, base="9f8e7d6")])
def test_a_gate_of_another_base_judges_nothing(other: GateReport | None) -> None:
    (pair,) = compared([result(did(query()))], [result(did(query()))], gate(1.0), other)
    assert ["compare"] == [verdict.marker for verdict in pair.verdicts]
    assert not pair.worse
