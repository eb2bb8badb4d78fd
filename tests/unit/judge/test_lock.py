"""What is said of a test that does otherwise than is locked; test_locks.py shows all of it from end to end."""

from __future__ import annotations

import pytest

from pytest_celery_perf.judge.lock import accept, judge
from pytest_celery_perf.measure.differences import former_name, standing
from pytest_celery_perf.model.history import History
from pytest_celery_perf.model.lock import Bounds, Standing, TaskFacts, TestFacts
from pytest_celery_perf.model.verdict import Status, Verdict
from pytest_celery_perf.report.terminal import verdict_text

TEST = "tests/test_shop.py::test_pay"


def facts(*, executions: int | Bounds = 1, task: str = "shop.pay", **kinds: dict[str, int | Bounds]) -> TestFacts:
    def bounds(number: int | Bounds) -> Bounds:
        return number if isinstance(number, Bounds) else Bounds.exactly(number)

    counted = {kind: {name: bounds(number) for name, number in counts.items()} for kind, counts in kinds.items()}
    return TestFacts(tasks={task: TaskFacts(tally={"executions": bounds(executions)}, kinds=counted)})


def judged(locked: TestFacts, seen: TestFacts, *, strict: bool = False) -> Verdict:
    (verdict,) = judge(locked, seen, History(), TEST, strict=strict)
    return verdict


@pytest.mark.parametrize(
    ("locked", "seen", "stands"),
    [
        (facts(queries={"a": 1}), facts(queries={"a": 1}), Standing.SAME),
        (facts(queries={"a": 1}), facts(queries={"a": 2}), Standing.MORE),
        (facts(queries={"a": 2}), facts(queries={"a": 1}), Standing.LESS),
        (facts(queries={"a": 1}), facts(queries={"b": 1}), Standing.MORE),
        (facts(queries={"a": 1}), facts(queries={}), Standing.LESS),
        (facts(queries={"a": 1}), facts(), Standing.SAME),  # nobody counted them
        (facts(), facts(queries={"a": 1}), Standing.SAME),
        (facts(queries={"a": Bounds(least=1, most=3)}), facts(queries={"a": 2}), Standing.SAME),
        (facts(queries={"a": Bounds(least=1, most=3)}), facts(queries={"a": 4}), Standing.MORE),
        (facts(calls={"python 3.11": 80}), facts(calls={"python 3.12": 90}), Standing.SAME),
        (facts(calls={"python 3.11": 80}), facts(calls={"python 3.11": 81}), Standing.MORE),
        (facts(executions=2), facts(executions=1), Standing.LESS),
        (facts(), facts(task="shop.other"), Standing.MORE),
        (facts(), TestFacts(), Standing.LESS),
    ],
)
def test_how_a_test_stands(locked: TestFacts, seen: TestFacts, stands: Standing) -> None:
    assert standing(locked, seen) is stands


def test_more_is_told_with_the_command_that_accepts_it() -> None:
    verdict = judged(facts(queries={"SELECT ?": 1}, outbound={}), facts(queries={"SELECT ?": 3}, outbound={"x:1": 1}))
    assert verdict_text(verdict).splitlines() == [
        "✗ celery_lock shop.pay: queries 3, +2 queries (budget = 1), and 1 more",
        "    ✗ queries               3, +2 queries  = 1",
        "    ✗ outbound calls  1, +1 outbound call  = 0",
        "    ✓ executions                        1  = 1",
        "    +2  SELECT ?      1 → 3",
        "    +1  outbound x:1  0 → 1",
        f"    fix: undo it, or accept it: pytest --celery-perf-update {TEST}",
    ]


def test_fewer_queries_of_another_kind_are_told_apart_from_more() -> None:
    verdict = judged(
        facts(queries={"SELECT ? FROM author": 12, "SELECT ? FROM book": 1}), facts(queries={"SELECT ? FROM both": 1})
    )
    assert verdict_text(verdict).splitlines() == [
        "✗ celery_lock shop.pay: queries 1, -12 queries, CHANGED (budget = 13)",
        "    ✗ queries     1, -12 queries, CHANGED  = 13",
        "    ✓ executions                        1  = 1",
        "    +1   SELECT ? FROM both    0 → 1",
        "    -12  SELECT ? FROM author  12 → 0",
        "    -1   SELECT ? FROM book    1 → 0",
        f"    fix: there are fewer in all: if that is what you meant, accept it: {accept(TEST)}; else undo it",
    ]
    more = facts(queries={"SELECT ? FROM both": 1}, outbound={"x:1": 1})
    assert judged(facts(queries={"SELECT ?": 9}, outbound={}), more).fix[0].startswith("undo it, or accept it")


def test_statements_that_begin_alike_are_told_apart() -> None:
    long = f"SELECT ? FROM {' INNER JOIN '.join(['a_table_with_a_name'] * 9)} ORDER BY "
    verdict = judged(facts(queries={f"{long}one": 1}), facts(queries={f"{long}two": 1}))
    assert verdict.evidence == (f"+1  {long}two  0 → 1", f"-1  {long}one  1 → 0")


def test_less_passes_unless_it_is_strict() -> None:
    locked, seen = facts(queries={"SELECT ?": 2}), facts(queries={"SELECT ?": 1})
    assert judged(locked, seen).status is Status.PASS
    assert judged(locked, seen).fix == (f"an improvement: lock it in: pytest --celery-perf-update {TEST}",)
    assert judged(locked, seen, strict=True).status is Status.FAIL


def test_the_bounds_of_an_unsteady_count_are_no_promise() -> None:
    verdict = judged(facts(queries={"a": Bounds(least=1, most=3)}), facts(queries={"a": 4}))
    assert "its bounds are those of a few runs" in verdict.fix[-1]


def test_a_hit_that_becomes_a_miss_is_a_change() -> None:
    verdict = judged(facts(cache={"gets": 2, "misses": 1}), facts(cache={"gets": 2, "misses": 2}))
    assert verdict.checks[0].actual == "2, CHANGED"
    assert verdict.evidence == ("+1  cache misses  1 → 2",)


def test_what_could_not_be_counted_is_no_pass() -> None:
    verdict = judged(facts(queries={"SELECT ?": 1}), facts())
    assert verdict.status is Status.INCONCLUSIVE
    assert verdict.evidence == ("not compared, since nobody could count them in this run: queries",)
    assert judged(facts(queries={"SELECT ?": 1}), facts(executions=2)).status is Status.FAIL


def test_a_renamed_test_does_exactly_the_same() -> None:
    removed = {"test_pay": facts(queries={"a": 1}), "test_paid": facts(queries={"a": 1}), "test_x": facts(queries={})}
    assert former_name("test_payment", facts(queries={"a": 1}), removed) == "test_pay"
    assert former_name("test_payment", facts(queries={"a": 2}), removed) == ""
