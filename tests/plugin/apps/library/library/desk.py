"""Tasks that write where Django empties nothing between tests: tables without a model, caches."""

from __future__ import annotations

import secrets

from celery import shared_task
from django.core.cache import caches
from django.db import connection


def _execute(statement: str, *values: object) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)


@shared_task(acks_late=True, reject_on_worker_lost=True)
def lend(title: str) -> None:
    """Write a row, whatever is there."""
    _execute("INSERT INTO loans (title) VALUES (%s)", title)


@shared_task(acks_late=True, reject_on_worker_lost=True)
def lend_once(title: str) -> None:
    """Write a row that is not there yet."""
    _execute("INSERT INTO loans (title) SELECT %s WHERE NOT EXISTS (SELECT 1 FROM loans)", title)


@shared_task(acks_late=True, reject_on_worker_lost=True)
def count() -> None:
    """Count on in a row that is there."""
    _execute("UPDATE counters SET n = n + 1 WHERE name = %s", "loans")


@shared_task(acks_late=True, reject_on_worker_lost=True)
def draw() -> None:
    """Write into a row what is another each time."""
    _execute("UPDATE counters SET n = %s WHERE name = %s", secrets.randbits(31), "loans")


@shared_task(acks_late=True, reject_on_worker_lost=True)
def stamp() -> None:
    """Write what is another each time, and erase it where it is."""
    _execute("UPDATE stamps SET token = CASE WHEN token IS NULL THEN %s END", secrets.token_hex(8))


@shared_task(acks_late=True, reject_on_worker_lost=True)
def archive(title: str) -> None:
    """Write to a table that is full."""
    _execute("INSERT INTO archived (title) VALUES (%s)", title)


@shared_task(acks_late=True, reject_on_worker_lost=True)
def index(word: str) -> None:
    """Write to an index."""
    _execute("INSERT INTO words (word) VALUES (%s)", word)


@shared_task(acks_late=True, reject_on_worker_lost=True)
def locked(alias: str) -> None:
    """Be the only one: a lock that outlives whoever dies with it."""
    if caches[alias].add("lock", 1, 600):
        _execute("UPDATE counters SET n = 7 WHERE name = %s", "loans")
        caches[alias].delete("lock")


@shared_task(acks_late=True, reject_on_worker_lost=True)
def remember(alias: str) -> None:
    """Write the same each time."""
    caches[alias].set("seen", 1, 600)
    _execute("UPDATE counters SET n = 7 WHERE name = %s", "loans")
