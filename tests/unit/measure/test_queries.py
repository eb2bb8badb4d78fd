"""The queries of an execution, put together by statement."""

from __future__ import annotations

from typing import Any

import pytest

from pytest_celery_perf.measure.queries import BATCH, QueryProfile, profile
from pytest_celery_perf.model.record import Frame
from tests.unit.histories import execution, query

BY_ID = 'SELECT "a"."id" FROM "a" WHERE "a"."id" = %s'


def at_line(line: int, *callers: int) -> tuple[Frame, ...]:
    return tuple(Frame(path="/app/tasks.py", line=each, function="work") for each in (line, *callers))


def of(*uses: Any) -> QueryProfile:
    return profile(execution(queries=uses))


def test_nothing_asked_is_nothing_counted() -> None:
    nothing = of()
    assert (nothing.count, nothing.by_alias, nothing.n_plus_one) == (0, {}, ())


def test_equal_fingerprints_are_one_statement() -> None:
    (statement,) = of(
        query(2, sql="SELECT 1 FROM a", ms=1, stacks=((at_line(1), 2),)),
        query(3, sql="select 2 from a", ms=2, stacks=((at_line(1), 1), (at_line(2), 2))),
    ).statements
    assert (statement.fingerprint, statement.count, statement.time_ns) == ("SELECT ? FROM a", 5, 3_000_000)
    assert statement.stacks == ((at_line(1), 3), (at_line(2), 2))
    assert statement.sampled == 5


def test_databases_are_apart() -> None:
    both = of(query(2), query(1, alias="replica"))
    assert both.by_alias == {"default": 2, "replica": 1}
    assert [statement.count for statement in both.statements] == [2, 1]


def test_verbs_are_counted() -> None:
    several = of(query(2), query(1, sql="UPDATE a SET b = 1"), query(1, sql="WITH c AS (SELECT 1) DELETE FROM a"))
    assert several.by_verb == {"SELECT": 2, "UPDATE": 1, "DELETE": 1}


def test_what_is_not_the_body_is_counted_apart() -> None:
    every = of(
        query(1),
        query(2, sql="BEGIN"),
        query(3, sql='SAVEPOINT "s"'),
        query(4, phase="hooks"),
        query(5, sql="COMMIT", phase="hooks"),
        query(6, phase="connect"),
    )
    assert (every.count, every.transaction_control, every.hooks, every.connect) == (1, 5, 9, 6)


def test_the_same_call_twice_is_an_n_plus_one() -> None:
    (statement,) = of(query(2, sql=BY_ID, stacks=((at_line(7), 2),))).statements
    assert statement.n_plus_one
    assert statement.repeated == (at_line(7),)


@pytest.mark.parametrize(
    ("why", "use"),
    [
        ("once", query(1, sql=BY_ID, stacks=((at_line(7), 1),))),
        ("two lines", query(2, sql=BY_ID, stacks=((at_line(7), 1), (at_line(8), 1)))),
        ("two callers", query(2, sql=BY_ID, stacks=((at_line(7, 1), 1), (at_line(7, 2), 1)))),
        ("nobody knows where", query(9, sql=BY_ID, stacks=(((), 9),))),
        ("a write", query(9, sql="UPDATE a SET b = %s WHERE id = %s", stacks=((at_line(7), 9),))),
        ("executemany", query(9, sql="SELECT %s", many=9, stacks=((at_line(7), 9),))),
        (
            "wide IN",
            query(3, sql=f"SELECT b FROM a WHERE id IN ({', '.join(['%s'] * BATCH)})", stacks=((at_line(7), 3),)),
        ),
        ("pages", query(3, sql=f"SELECT b FROM a WHERE id > %s LIMIT {BATCH}", stacks=((at_line(7), 3),))),
    ],
)
def test_no_n_plus_one(why: str, use: Any) -> None:
    assert of(use).n_plus_one == ()


def test_values_in_the_text_do_not_hide_an_n_plus_one() -> None:
    uses = [query(1, sql=f"SELECT b FROM a WHERE id = {number}", stacks=((at_line(7), 1),)) for number in range(3)]
    assert [statement.count for statement in of(*uses).n_plus_one] == [3]


def test_the_rest_of_a_batch_is_no_n_plus_one() -> None:
    uses = [
        query(3, sql=f"SELECT b FROM a WHERE id IN ({', '.join(['%s'] * 100)})", stacks=((at_line(7), 3),)),
        query(1, sql="SELECT b FROM a WHERE id IN (%s, %s)", stacks=((at_line(7), 1),)),
    ]
    assert of(*uses).n_plus_one == ()


def test_repeated_writes_are_named_but_are_no_n_plus_one() -> None:
    (statement,) = of(query(3, sql="UPDATE a SET b = %s WHERE id = %s", stacks=((at_line(7), 3),))).statements
    assert (statement.repeated, statement.n_plus_one) == ((at_line(7),), False)


def test_what_repeats_itself_comes_first_then_the_most_frequent() -> None:
    order = of(
        query(5, sql="SELECT 1 FROM often", stacks=(((), 5),)),
        query(9, sql="SELECT 1 FROM oftener", stacks=(((), 8),)),
        query(2, sql="UPDATE a SET b = %s", stacks=((at_line(7), 2),)),
        query(2, sql=BY_ID, stacks=((at_line(7), 2),)),
    )
    assert [statement.count for statement in order.statements] == [2, 2, 9, 5]
    assert [statement.verb for statement in order.statements] == ["SELECT", "UPDATE", "SELECT", "SELECT"]
