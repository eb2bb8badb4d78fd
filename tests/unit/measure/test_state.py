from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_celery_perf.measure.rows import NO_LEEWAY, Leeway
from pytest_celery_perf.measure.state import ROWS, differences, unsteady, with_names, written
from pytest_celery_perf.model.record import Point
from pytest_celery_perf.model.state import Column, Kind, State, Table

KEY = Column(name="id", kind=Kind.VOLATILE)
PROBLEMS = (KEY, Column(name="title"), Column(name="metadata", kind=Kind.JSON))
CASES = (KEY, Column(name="input"), Column(name="problem_id", kind=Kind.REFERENCE, table="problem", column="id"))

Problem = tuple[int, str, object]
Case = tuple[int, str, int | None]


def state(problems: list[Problem], cases: list[Case] | None = None) -> State:
    return State(
        tables=(
            Table(
                name="problem",
                columns=PROBLEMS,
                rows=tuple((str(key), title, json.dumps(data)) for key, title, data in problems),
            ),
            Table(
                name="case",
                columns=CASES,
                rows=tuple(
                    (str(key), text, None if problem is None else str(problem)) for key, text, problem in cases or []
                ),
            ),
        )
    )


def test_other_keys_are_no_difference() -> None:
    one = state([(1, "Sum", {}), (2, "Product", {})], [(1, "0 1", 1), (2, "0 1", 2)])
    other = state([(7, "Sum", {}), (9, "Product", {})], [(4, "0 1", 7), (5, "0 1", 9)])

    assert differences(one, other) == ()


def test_rows_made_in_another_order_are_no_difference() -> None:
    one = state([(1, "Sum", {}), (2, "Product", {})], [(1, "0 1", 1), (2, "0 1", 2)])
    other = state([(1, "Product", {}), (2, "Sum", {})], [(1, "0 1", 1), (2, "0 1", 2)])

    assert differences(one, other) == ()


def test_rows_that_only_their_neighbours_tell_apart() -> None:
    """Two equal problems, of which only one has cases: whatever the keys, there is one way to pair them."""
    one = state([(1, "Sum", {}), (2, "Sum", {})], [(1, "0 1", 1), (2, "1 2", 1)])
    other = state([(1, "Sum", {}), (2, "Sum", {})], [(1, "0 1", 2), (2, "1 2", 2)])

    assert differences(one, other) == ()


def test_a_row_that_refers_to_another() -> None:
    one = state([(1, "Sum", {}), (2, "Product", {})], [(1, "0 1", 1)])
    other = state([(1, "Sum", {}), (2, "Product", {})], [(1, "0 1", 2)])

    [line] = differences(one, other)
    assert line.startswith("case: problem_id refers to problem (title='Product', metadata={}) instead of problem (")


def test_a_changed_leaf_of_a_document_is_told_alone() -> None:
    one = state([(1, "Sum", {"submissions": 1, "by": "ada"})], [(n, f"{n}", 1) for n in range(20)])
    other = state([(1, "Sum", {"submissions": 2, "by": "ada"})], [(n, f"{n}", 1) for n in range(20)])

    assert differences(one, other) == ("problem: metadata.submissions is 2 instead of 1",)


def test_an_empty_document_is_told_by_what_it_lacks() -> None:
    one, other = state([(1, "Sum", {"submissions": 1})]), state([(1, "Sum", {})])

    assert differences(one, other) == ("problem: metadata.submissions is absent instead of 1",)


def test_a_row_too_many() -> None:
    assert differences(state([(1, "Sum", {})]), state([(1, "Sum", {}), (2, "Sum", {})])) == (
        "problem: a row too many: title='Sum', metadata={}",
    )


def test_rows_that_are_missing_are_counted() -> None:
    one = state([], [(1, "0 1", None), (2, "0 1", None)])

    assert differences(one, state([])) == ("case: a row is missing: input='0 1' (2 rows)",)


def test_the_only_row_of_a_table_is_the_same_one_if_anything_of_it_is() -> None:
    one = state([(1, "Sum", {"state": "new", "tries": 0, "note": ""})])
    other = state([(1, "Total", {"state": "done", "tries": 1, "note": ""})])

    (line,) = differences(one, other)
    assert line.startswith("problem: title is 'Total' instead of 'Sum', metadata.state is")
    assert line.endswith("metadata.tries is 1 instead of 0")


def test_a_row_with_nothing_in_common_is_another() -> None:
    assert len(differences(state([(1, "Sum", {"n": 1})]), state([(1, "Total", {"n": 2})]))) == 2


def test_what_is_ignored_may_differ() -> None:
    one = state([(1, "Sum", {"rows": [{"id": 1, "ok": True}]})])
    other = state([(1, "Sun", {"rows": [{"id": 9, "ok": True}]})])

    def differing(*ignored: str) -> tuple[str, ...]:
        return differences(one, other, NO_LEEWAY.ignoring(ignored))

    assert differing("problem.title", "problem.metadata.rows[].id") == ()
    assert differing("problem") == ()
    assert differing("problem.title", "problem.metadata") == ()
    assert differing("problem.title") == ("problem: metadata.rows[0].id is 9 instead of 1",)


def test_what_is_another_in_each_run_is_found() -> None:
    one = state([(1, "f1c2", {"rows": [{"id": 1, "ok": True}]}), (2, "Sum", {})])
    other = state([(3, "9e07", {"rows": [{"id": 3, "ok": True}]}), (4, "Sum", {})])

    leeway = unsteady(one, other)

    assert leeway == Leeway(ignored=frozenset({"problem.metadata.rows[].id"}), vague=frozenset({"problem.title"}))
    assert differences(one, other, leeway) == ()


def test_of_what_is_another_in_each_run_only_that_it_is_there_is_compared() -> None:
    one, other = (state([(1, title, {"at": title, "by": "ada"})]) for title in ("f1c2", "9e07"))
    leeway = unsteady(one, other)
    erased = state([(1, "77aa", {"at": None, "by": "ada"})])

    assert leeway.vague == {"problem.title", "problem.metadata.at"}
    assert differences(one, erased, leeway) == ("problem: metadata.at is null instead of not NULL",)
    assert differences(one, state([]), leeway) == ('problem: a row is missing: metadata.by="ada"',)


def test_what_is_not_always_there_is_not_compared() -> None:
    one, other = state([(1, "Sum", {"at": 1})]), state([(1, "Sum", {"at": None})])

    assert unsteady(one, other) == Leeway(ignored=frozenset({"problem.metadata.at"}))


@pytest.mark.parametrize(
    ("statements", "tables"),
    [
        (["SELECT 1 FROM a FOR UPDATE OF a", "SELECT n FROM updates"], {}),
        (["INSERT INTO a (n) VALUES (?) ON CONFLICT (n) DO UPDATE SET n = ?"], {"a": {ROWS}}),
        (['UPDATE a SET n = (n + ?), "order" = ? WHERE m = ?'], {"a": {"n", "order"}}),
        (["UPDATE a SET n = ?", "DELETE FROM a WHERE n = ?"], {"a": {"n", ROWS}}),
        (["WITH d AS (DELETE FROM a RETURNING *) INSERT INTO b SELECT * FROM d"], {"a": {ROWS}, "b": {ROWS}}),
        (["archive: REPLACE INTO public.a VALUES (?)"], {"archive:a": {ROWS}}),
        (["CREATE TEMPORARY TABLE a AS SELECT ?", "INSERT INTO a SELECT ?"], {}),
        (["MERGE INTO a USING b ON a.n = b.n WHEN MATCHED THEN UPDATE SET m = ?"], {"a": {ROWS}}),
        (["INSERT INTO a SELECT ? FROM b ON DUPLICATE KEY UPDATE n = ?"], {"a": {ROWS}}),
    ],
)
def test_which_tables_are_written(statements: list[str], tables: dict[str, set[str]]) -> None:
    fields = {"task_id": "t1", "name": "charge", "retries": 0, "delivery": 1, "at_ns": 0}
    points = [Point(number=n, kind="query", label=each, **fields) for n, each in enumerate(statements)]  # type: ignore[arg-type]

    assert written(points) == tables


def test_more_rows_are_no_unsteadiness() -> None:
    one, other = state([(1, "Sum", {})]), state([(1, "Sum", {}), (2, "Sun", {})])

    assert unsteady(one, other) == NO_LEEWAY
    assert differences(one, other) != ()


def test_ids_of_tasks_get_names() -> None:
    one = with_names(state([(1, "by 3f2a91c0", {"task": "3f2a91c0"})]), {"3f2a91c0": "<id of charge>"})
    other = with_names(state([(1, "by 77aa01b2", {"task": "77aa01b2"})]), {"77aa01b2": "<id of charge>"})

    assert unsteady(one, other) == NO_LEEWAY
    assert differences(one, other) == ()


CASE_ROWS = st.lists(st.tuples(st.sampled_from("ab"), st.integers(0, 2)), max_size=6)


@given(CASE_ROWS, st.data())
def test_a_state_equals_itself_under_any_keys(rows: list[tuple[str, int]], data: st.DataObject) -> None:
    keys = data.draw(st.lists(st.integers(0, 99), min_size=3, max_size=3, unique=True))
    order = data.draw(st.permutations(rows))

    def made(names: list[int], cases: list[tuple[str, int]]) -> State:
        titles = ["x", "x", "y"]
        problems: list[Problem] = sorted((name, title, {}) for name, title in zip(names, titles, strict=True))
        return state(problems, [(n, text, names[problem]) for n, (text, problem) in enumerate(cases)])

    assert differences(made([0, 1, 2], rows), made(keys, order)) == ()


@given(CASE_ROWS, CASE_ROWS)
def test_other_rows_are_a_difference(one: list[tuple[str, int]], other: list[tuple[str, int]]) -> None:
    """As long as nothing but the text and the problem, which has a title of its own, makes a case."""

    def made(cases: list[tuple[str, int]]) -> State:
        problems: list[Problem] = [(n, title, {}) for n, title in enumerate("xyz")]
        return state(problems, [(n, text, problem) for n, (text, problem) in enumerate(cases)])

    assert (differences(made(one), made(other)) == ()) == (sorted(one) == sorted(other))
