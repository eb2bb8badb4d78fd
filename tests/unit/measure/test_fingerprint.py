"""Statements that differ in nothing that matters have the same fingerprint."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_celery_perf.measure.fingerprint import batch_size, fingerprint, readable


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ('SELECT "a"."id" FROM "a" WHERE "a"."id" = %s LIMIT 21', "SELECT a.id FROM a WHERE a.id = ? LIMIT ?"),
        ("select a\n\tfrom b  where c=%s ;", "SELECT a FROM b WHERE c = ?"),
        ("/* task=a */ SELECT 1 -- why\n FROM a --", "SELECT ? FROM a"),
        ("SELECT * FROM a WHERE b = 'it''s -- no /* comment */'", "SELECT * FROM a WHERE b = ?"),
        (
            r"SELECT a FROM b WHERE c LIKE %s ESCAPE '\' AND d = 'e'",
            "SELECT a FROM b WHERE c LIKE ? ESCAPE ? AND d = ?",
        ),
        (r"SELECT E'it\'s', b FROM c", "SELECT ?, b FROM c"),
        ("SELECT $tag$ it's $tag$, $1 FROM a", "SELECT ?, ? FROM a"),
        ("SELECT 1, 1.5, .5, 1e-3, 0xFF, %(name)s, x'00'", "SELECT ?, ?, ?, ?, ?, ?, ?"),
        ("SELECT t1.a2 FROM t1", "SELECT t1.a2 FROM t1"),
        ("SELECT a FROM b WHERE c IN (%s, %s,%s) OR d IN (1)", "SELECT a FROM b WHERE c IN (?) OR d IN (?)"),
        ("SELECT a FROM b WHERE c IN (%s::integer, %s::integer)", "SELECT a FROM b WHERE c IN (?)"),
        ("SELECT a FROM b WHERE c IN (SELECT d FROM e)", "SELECT a FROM b WHERE c IN (SELECT d FROM e)"),
        ("SELECT a FROM b WHERE (c, d) IN ((%s, %s), (%s, %s))", "SELECT a FROM b WHERE (c, d) IN ((?, ?))"),
        ("SELECT a FROM b WHERE c = ANY(ARRAY[%s, %s])", "SELECT a FROM b WHERE c = ANY (ARRAY[?])"),
        ("SELECT %s::integer, a::text FROM b", "SELECT ?::integer, a::text FROM b"),
        ("SELECT a FROM b WHERE c = -1 AND d = e-1", "SELECT a FROM b WHERE c = ? AND d = e - ?"),
        ("SELECT a %% 2 FROM b", "SELECT a % ? FROM b"),
        ("SELECT a->>'b', c @> %s, d ? 'e' FROM f", "SELECT a ->> ?, c @> ?, d ? ? FROM f"),
        ("INSERT INTO a (b, c) VALUES (%s, NOW()), (%s, NOW())", "INSERT INTO a(b, c) VALUES (?, NOW())"),
        ("INSERT INTO a (b, c) VALUES (%s, NULL), (%s, %s)", "INSERT INTO a(b, c) VALUES (?, NULL), (?, ?)"),
        (
            "UPDATE a SET b = CASE WHEN (id = %s) THEN %s WHEN (id = %s) THEN %s ELSE NULL END WHERE id IN (%s, %s)",
            "UPDATE a SET b = CASE WHEN (id = ?) THEN ? ELSE NULL END WHERE id IN (?)",
        ),
        ('SAVEPOINT "s140_x1"', "SAVEPOINT ?"),
        ('RELEASE SAVEPOINT "s140_x1"', "RELEASE SAVEPOINT ?"),
        ('ROLLBACK TO SAVEPOINT "s140_x1"', "ROLLBACK TO SAVEPOINT ?"),
        ("ROLLBACK", "ROLLBACK"),
        (
            'SELECT "order", `key`, "weird name", "a""b" FROM "Book"',
            'SELECT "order", key, "weird name", "a""b" FROM Book',
        ),
        ("", ""),
    ],
)
def test_fingerprint(sql: str, expected: str) -> None:
    assert fingerprint(sql) == expected
    assert fingerprint(expected) == expected


def test_a_list_of_thousands_is_as_short_as_a_list_of_one() -> None:
    assert fingerprint(f"SELECT a FROM b WHERE c IN ({', '.join(['%s'] * 5000)})") == "SELECT a FROM b WHERE c IN (?)"
    rows = ", ".join(["(%s, NOW())"] * 5000)
    assert fingerprint(f"INSERT INTO a (b, c) VALUES {rows}") == "INSERT INTO a(b, c) VALUES (?, NOW())"


NAMES = st.sampled_from(["a", "shop_book", "T4", '"order"', '"shop_author"."id"', "U0.id", "`b`"])
VALUES = st.sampled_from(["%s", "%(x)s", "1", "-2.5", "'it''s'", "''", "NULL", "%s::integer", "NOW()", "$1", "?"])
SPACES = st.sampled_from([" ", "  ", "\n", "\t ", " /* c */ ", " -- c\n"])


@st.composite
def conditions(draw: st.DrawFn) -> list[str]:
    """Draw the tokens of a condition."""
    kind = draw(st.integers(0, 3))
    name = draw(NAMES)
    if kind == 0:
        return [name, draw(st.sampled_from(["=", "<>", ">=", "LIKE", "||", "->"])), draw(VALUES)]
    if kind == 1:
        return [name, "IN", "(", *_separated(draw(st.lists(VALUES, min_size=1, max_size=4))), ")"]
    if kind == 2:
        return [name, "BETWEEN", draw(VALUES), "AND", draw(VALUES)]
    return ["(", *draw(conditions()), "OR", *draw(conditions()), ")"]


@st.composite
def statements(draw: st.DrawFn) -> list[str]:
    """Draw the tokens of a statement."""
    table = draw(NAMES)
    where = ["WHERE", *draw(conditions())]
    kind = draw(st.integers(0, 3))
    if kind == 0:
        columns = _separated(draw(st.lists(NAMES | VALUES, min_size=1, max_size=3)))
        return ["SELECT", *columns, "FROM", table, *where, "LIMIT", "21"]
    if kind == 1:
        return ["UPDATE", table, "SET", draw(NAMES), "=", draw(VALUES), *where]
    if kind == 2:
        return ["DELETE", "FROM", table, *where]
    row = ["(", *_separated(draw(st.lists(VALUES, min_size=1, max_size=3))), ")"]
    rows = _separated([" ".join(row)] * draw(st.integers(1, 4)))
    return ["INSERT", "INTO", table, "VALUES", *rows]


def _separated(items: list[str]) -> list[str]:
    return [token for item in items for token in (item, ",")][:-1]


@given(statements())
def test_the_fingerprint_of_a_fingerprint_is_itself(tokens: list[str]) -> None:
    once = fingerprint(" ".join(tokens))
    assert fingerprint(once) == once


@given(statements(), st.data())
def test_white_space_and_comments_do_not_matter(tokens: list[str], data: st.DataObject) -> None:
    spaced = "".join(token + data.draw(SPACES) for token in tokens)
    assert fingerprint(spaced) == fingerprint(" ".join(tokens))


@given(statements())
def test_the_case_of_keywords_does_not_matter(tokens: list[str]) -> None:
    lower = [token.lower() if re.fullmatch(r"[A-Z]+", token) else token for token in tokens]
    assert fingerprint(" ".join(lower)) == fingerprint(" ".join(tokens))


@given(st.integers(1, 60), st.integers(1, 60))
def test_the_length_of_lists_does_not_matter(left: int, right: int) -> None:
    def statement(size: int) -> str:
        marks = ", ".join(["%s"] * size)
        rows = ", ".join(["(%s, %s)"] * size)
        branches = " ".join(["WHEN id = %s THEN %s"] * size)
        return f"UPDATE a SET b = CASE {branches} END FROM (VALUES {rows}) v WHERE c IN ({marks})"

    assert fingerprint(statement(left)) == fingerprint(statement(right))


@given(st.text())
def test_any_text_has_a_fingerprint(text: str) -> None:
    assert isinstance(fingerprint(text), str)
    assert len(readable(fingerprint(text))) <= 100


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("SELECT a FROM b WHERE c = %s", 1),
        ("SELECT a FROM b WHERE c in (%s, %s, %s) AND d IN (%s)", 3),
        ("SELECT a FROM b LIMIT 100", 100),
        ("SELECT a FROM b WHERE c IN (SELECT d FROM e)", 1),
    ],
)
def test_batch_size(sql: str, expected: int) -> None:
    assert batch_size(sql) == expected


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        ("SELECT a.id, a.title, a.pages, a.author_id FROM a WHERE a.id = ?", "SELECT … FROM a WHERE id = ?"),
        ("SELECT COUNT(*) AS __count FROM a", "SELECT COUNT(*) AS __count FROM a"),
        (
            "SELECT a.id, a.name, b.id, b.name FROM a INNER JOIN b ON (a.id = b.a_id) WHERE a.id = ?",
            "SELECT … FROM a INNER JOIN b ON (a.id = b.a_id) WHERE a.id = ?",
        ),
        (
            "SELECT DISTINCT a.id, COALESCE(a.b, (SELECT c FROM d)), a.e FROM a",
            "SELECT DISTINCT … FROM a",
        ),
        ("INSERT INTO a(b, c) VALUES (?, NOW()) RETURNING a.id", "INSERT INTO a (…) VALUES (…) RETURNING id"),
        ("DELETE FROM a WHERE a.id IN (?)", "DELETE FROM a WHERE id IN (?)"),
    ],
)
def test_readable(statement: str, expected: str) -> None:
    assert readable(statement) == expected


def test_a_long_statement_is_cut_where_the_reader_says() -> None:
    assert readable("UPDATE a SET " + "b = ?, " * 50, 30) == "UPDATE a SET b = ?, b = ?, b…"
