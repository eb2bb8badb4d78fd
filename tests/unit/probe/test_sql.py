"""The kind of a statement shows in its first words."""

from __future__ import annotations

import pytest

from pytest_celery_perf.probe.sql import is_transaction_control, verb


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("SELECT 1", "SELECT"),
        ("  select 1", "SELECT"),
        ("/* task=a */ -- why\n UPDATE t SET a = 1", "UPDATE"),
        ("((SELECT 1) UNION (SELECT 2))", "SELECT"),
        ("WITH a AS (SELECT 1) SELECT * FROM a", "SELECT"),
        ("WITH RECURSIVE a AS (SELECT ')' FROM (SELECT 2) b), c AS (DELETE FROM t) INSERT INTO d SELECT 1", "INSERT"),
        ("PRAGMA foreign_keys", "PRAGMA"),
        ("WITH nonsense", "WITH"),
        ("", ""),
        ("%s", ""),
    ],
)
def test_verb(sql: str, expected: str) -> None:
    assert verb(sql) == expected


@pytest.mark.parametrize(
    "sql",
    [
        "BEGIN",
        "begin immediate",
        "START TRANSACTION",
        "COMMIT",
        "END",
        "ROLLBACK",
        'ROLLBACK TO SAVEPOINT "s1"',
        'SAVEPOINT "s1"',
        'RELEASE SAVEPOINT "s1"',
        "/* task=a */ BEGIN",
        "PREPARE TRANSACTION 'a'",
    ],
)
def test_transaction_control(sql: str) -> None:
    assert is_transaction_control(sql)


@pytest.mark.parametrize(
    "sql",
    ["SELECT 1", "PRAGMA foreign_keys = ON", "BEGINNING", "SET TRANSACTION READ ONLY", "PREPARE a AS SELECT 1", ""],
)
def test_no_transaction_control(sql: str) -> None:
    assert not is_transaction_control(sql)
