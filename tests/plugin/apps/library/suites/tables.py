"""Sweeps of tasks that write where Django empties nothing between tests; each test is expected by name."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.db import connection
from library import desk

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.celery_worker(concurrency=2)]

TABLES = (
    "CREATE TABLE loans (id integer PRIMARY KEY AUTOINCREMENT, title text)",
    "CREATE TABLE counters (name text PRIMARY KEY, n integer)",
    "CREATE TABLE stamps (name text, token text)",
    "CREATE TABLE archived (title text)",
    "CREATE VIRTUAL TABLE words USING fts5(word)",
    "INSERT INTO counters VALUES ('loans', 0)",
    "INSERT INTO stamps VALUES ('one', NULL)",
    f"INSERT INTO archived VALUES {', '.join(['(1)'] * 1001)}",
)


@pytest.fixture(scope="module", autouse=True)
def tables(django_db_setup, django_db_blocker):
    """Make tables as a migration does, with rows as it may."""
    with django_db_blocker.unblock(), connection.cursor() as cursor:
        for statement in TABLES:
            cursor.execute(statement)


def rows(statement):
    with connection.cursor() as cursor:
        cursor.execute(statement)
        return cursor.fetchall()


@pytest.mark.celery_crash_sweep
def test_a_safe_task():
    desk.lend_once.delay("one")


@pytest.mark.celery_crash_sweep
def test_a_row_too_many():
    desk.lend.delay("one")


@pytest.mark.celery_idempotent(at_once=False)
def test_delivered_twice():
    desk.lend.delay("one")


@pytest.mark.celery_crash_sweep
def test_a_row_that_was_there():
    desk.count.delay()


@pytest.mark.celery_crash_sweep(volatile=["counters.n"], points=["started"])
def test_what_has_no_model_may_be_volatile():
    desk.count.delay()


@pytest.mark.celery_crash_sweep(volatile=["conters.n"])
def test_no_such_table():
    desk.count.delay()


def test_all_is_put_back():
    assert rows("SELECT * FROM counters") == [("loans", 0)]
    assert rows("SELECT * FROM loans") == []


@pytest.mark.celery_crash_sweep
def test_what_is_random_is_erased():
    desk.stamp.delay()


@pytest.mark.celery_crash_sweep
def test_nothing_but_random():
    desk.draw.delay()


@pytest.mark.celery_crash_sweep(points=["started"], invariant=lambda: rows("SELECT n FROM counters") != [(0,)])
def test_random_with_an_invariant():
    desk.draw.delay()


def drawn():
    assert rows("SELECT n FROM counters") != [(0,)]


@pytest.mark.celery_crash_sweep(points=["started"])
def test_random_with_an_assertion(celery_perf):
    celery_perf.run(desk.draw)
    drawn()


@pytest.mark.celery_crash_sweep(points=["started"])
def test_an_index():
    desk.index.delay("one")


@pytest.mark.celery_crash_sweep
def test_a_full_table():
    desk.archive.delay("one")


@pytest.mark.celery_crash_sweep
def test_a_lock_in_a_file():
    desk.locked.delay("default")


def test_files_of_caches_are_those_of_the_run():
    assert [*Path("cache").glob("*")] == []


@pytest.mark.celery_crash_sweep
def test_a_file_that_is_emptied():
    desk.remember.delay("default")


@pytest.mark.celery_crash_sweep
def test_a_cache_that_nobody_empties():
    desk.remember.delay("shared")
