"""SQLAlchemy's connections, however its engine opens them."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import Connection, create_engine
from sqlalchemy.exc import IntegrityError, OperationalError

from pytest_celery_perf.probe import context, sqlalchemy_queries
from pytest_celery_perf.probe.queries import Capture
from pytest_celery_perf.probe.raising import made
from tests.unit.probe.attempts import Attempt


@pytest.fixture
def capture() -> Iterator[Capture]:
    sqlalchemy_queries.install()
    attempt: Any = Attempt()
    attempt.capture, attempt.heeds_queries = Capture(), False
    scope = context.enter(attempt)
    yield attempt.capture
    context.leave(scope)
    sqlalchemy_queries.uninstall()


@pytest.mark.parametrize("options", [{}, {"creator": lambda: sqlite3.connect(":memory:")}])
def test_connections_are_counted(capture: Capture, options: dict[str, Any]) -> None:
    engine = create_engine("sqlite://", **options)
    for _ in range(2):
        engine.connect().close()
        engine.dispose()
    assert capture.connects == 2
    assert bool(capture.connect_ns) is not bool(options)  # nobody tells when a `creator` begins


@contextmanager
def raising(error: BaseException) -> Iterator[Connection]:
    """Connect to a database of which every query raises an error."""

    def on_query(*_: object) -> None:
        raise error

    attempt: Any = context.current()
    attempt.heeds_queries, attempt.on_query = True, on_query
    engine = create_engine("sqlite://")
    with engine.connect() as connection:
        yield connection
    engine.dispose()


@pytest.mark.usefixtures("capture")
def test_an_ordered_error_is_as_sqlalchemys_own() -> None:
    with raising(made(OperationalError, ("gone",))) as connection, pytest.raises(OperationalError) as caught:
        connection.exec_driver_sql("SELECT ?", (1,))

    assert (sqlite3.OperationalError, "gone") == (type(caught.value.orig), str(caught.value.orig))
    assert caught.value.__cause__ is caught.value.orig
    assert ("SELECT ?", (1,)) == (caught.value.statement, caught.value.params)


@pytest.mark.usefixtures("capture")
def test_an_error_that_the_test_has_made_is_left_alone() -> None:
    error = IntegrityError("INSERT", {}, ValueError("twice"))
    with raising(error) as connection, pytest.raises(IntegrityError) as caught:
        connection.exec_driver_sql("SELECT 1")

    assert caught.value is error
