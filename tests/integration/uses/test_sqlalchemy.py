"""Apps without Django that use SQLAlchemy: their queries are counted and judged as those of Django."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from urllib.parse import urlsplit

import pytest

from tests.plugin.inner import Inner
from tests.postgres import drop

Play = Callable[..., Inner]


@pytest.fixture
def postgres(postgres_dsn: str) -> Iterator[str]:
    """The address of a database of its own, as SQLAlchemy writes it."""
    import psycopg

    name = f"ledger_{secrets.token_hex(6)}"
    with psycopg.connect(postgres_dsn, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
        try:
            yield urlsplit(postgres_dsn)._replace(scheme="postgresql+psycopg", path=f"/{name}").geturl()
        finally:
            drop(connection, name)


def check(inner: Inner, names: int) -> None:
    """Check that all inner tests passed, and how many names they have."""
    assert (len(inner.passed), inner.status) == (names, 0), inner.text


def test_queries(play: Play) -> None:
    check(play("ledger", "queries", "-k", "not Gevent"), 9)


@pytest.mark.postgresql
def test_queries_on_postgresql(play: Play, postgres: str) -> None:
    check(play("ledger", "queries", "-k", "not Gevent", LEDGER_URL=postgres), 9)


@pytest.mark.gevent
def test_queries_on_gevent(play: Play) -> None:
    check(play("ledger", "queries", "-k", "Gevent"), 8)


def test_markers(play: Play) -> None:
    inner = play("ledger", "markers")
    good = {
        "test_together",
        "test_left_alone",
        "test_a_fault_at_a_query",
        "test_a_crash_before_the_commit",
        "test_a_database_that_is_gone",
        "test_not_too_slow",
        "test_few_connects",
    }
    assert inner.passed == good, inner.text
    misspelt = "uses of database 'archve' 0 (seen: archive, ledger.sqlite3) (budget ≥ 1)"
    assert inner.lacks("test_misspelt", misspelt, "known by its logging_name") == [], inner.text
    assert inner.lacks("test_slow", "slowest query ", "(budget ≤ 100ms)", "← slow: up to ", "EXPLAIN it") == []
    assert inner.lacks("test_connects", "connects 3 (budget ≤ 2)", "fix: let connections last") == [], inner.text
    assert "points survived 3 = 3" in inner.text
    own = "sqlalchemy.exc.IntegrityError: (builtins.ValueError) twice"
    assert inner.lacks("test_an_error_of_ones_own", own) == [], inner.text
    words = (
        "queries 6 (budget ≤ 2)",
        "5×",
        "FROM entry WHERE",
        "ledger.py:30 one_by_one",
        "← N+1",
        "fix: ledger.py:30 one_by_one repeats",
        "selectinload(",
    )
    assert inner.lacks("test_one_by_one", *words) == [], inner.text
    assert (
        inner.lacks("test_using", "queries on archive 2 (budget ≤ 1)", "archive: SELECT", "ledger.sqlite3: SELECT")
        == []
    )
