"""Runs functions as if they were tasks, and says what was captured."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import django
from django.conf import settings

BOOKS = 5


def set_up(pool: str, *, address: str) -> None:
    """Configure Django, fill its database afresh, and install the capture."""
    database = _database(address)
    settings.configure(
        DATABASES={"default": database, "replica": dict(database)},
        INSTALLED_APPS=["library"],
        DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
        USE_TZ=True,
    )
    django.setup()
    from django.db import connection

    from library.models import Author, Book
    from pytest_celery_perf.probe import callsite, context, django_queries

    with connection.schema_editor() as editor:
        for model in (Book, Author):
            if model._meta.db_table in connection.introspection.table_names():
                editor.delete_model(model)
        editor.create_model(Author)
        editor.create_model(Book)
    for number in range(BOOKS):
        Book.objects.create(title=f"book {number}", author=Author.objects.create(name=f"author {number}"))
    django_queries.install()
    django_queries.install()  # once more changes nothing
    context.configure(pool)
    # What calls a task is this file instead of Celery's.
    callsite._kinds[__file__] = callsite._EDGE


def _database(address: str) -> dict[str, Any]:
    if not address.startswith("postgresql:"):
        return {"ENGINE": "django.db.backends.sqlite3", "NAME": address, "OPTIONS": {"timeout": 60}}
    url = urlsplit(address)
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": url.path[1:],
        "USER": url.username or "",
        "PASSWORD": url.password or "",
        "HOST": url.hostname or "",
        "PORT": url.port or "",
    }


class Attempt:
    """As much of an execution as the capture knows."""

    def __init__(self, *, strike_at: int = 0) -> None:
        from pytest_celery_perf.probe import queries

        self.capture = queries.Capture()
        self.heeds_queries = strike_at > 0
        self.strike_at = strike_at
        self.numbers: list[int] = []

    def on_query(self, number: int, _sql: str, _alias: str) -> None:
        if number:
            self.numbers.append(number)
        if number == self.strike_at:
            raise RuntimeError(f"struck at {number}")

    def on_answer(self) -> None:
        """Nobody has asked for touch points."""


def run(body: Callable[[], Any], *, before: Callable[[], Any] | None = None, strike_at: int = 0) -> dict[str, Any]:
    """Run a function as the body of a task.

    Args:
        body: Its result is part of the answer, or the exception that it raised.
        before: What a hook does before the body.
        strike_at: Before which query of the body to raise.
    """
    from pytest_celery_perf.probe import context, queries

    attempt: Any = Attempt(strike_at=strike_at)
    unattributed = queries.unattributed
    scope = context.enter(attempt)
    try:
        if before is not None:
            before()
        attempt.capture.phase = "body"
        result = body()
    except Exception as error:  # noqa: BLE001 - what a body raises is part of the answer
        result = repr(error)
    finally:
        attempt.capture.phase = "hooks"
        context.leave(scope)
    return told(attempt, result, queries.unattributed - unattributed)


def told(attempt: Any, result: Any = None, unattributed: int = 0) -> dict[str, Any]:
    """Return what an attempt captured, as JSON."""
    from pytest_celery_perf.probe import queries

    return {
        "rows": attempt.capture.summary(lambda sql: sql, lambda stack: stack),
        "connects": attempt.capture.connects,
        "connect_ns": attempt.capture.connect_ns,
        "numbers": attempt.numbers,
        "result": result,
        "unattributed": unattributed,
        "problems": list(queries.problems),
    }
