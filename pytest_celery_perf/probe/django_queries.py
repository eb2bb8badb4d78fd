"""Sees the queries that Django makes.

A wrapper of Django's own kind sits outermost on every connection of the process, whoever opens it.

Not seen, because Django does not pass it through its cursor's ``execute``: statements on a driver's own cursor, COPY,
stored procedures, and COMMIT. A query in a transaction that is already broken is counted although PostgreSQL never gets
it.
"""

from __future__ import annotations

from collections.abc import Callable
from time import perf_counter_ns
from typing import Any

from pytest_celery_perf.probe import callsite, context, patch, queries

_connecting: set[int] = set()
"""Ids of the connections that are being opened."""


def install(report: Callable[[str], None] | None = None) -> None:
    """Observe every connection of this process, those that are open and those to come.

    Called once Django is set up. May be called again; survives a fork.

    Args:
        report: Told once of each problem.

    Source:
        ``django.db.backends.base.base.BaseDatabaseWrapper``: ``connect`` sends
        ``connection_created`` for every way to open a connection.
    """
    from django.db import connections
    from django.db.backends.base.base import BaseDatabaseWrapper
    from django.db.backends.signals import connection_created

    queries.observe(report)
    connection_created.connect(_attach, weak=False, dispatch_uid=__name__)
    for connection in connections.all(initialized_only=True):
        _attach(connection)
    patch.wrap(BaseDatabaseWrapper, "connect", _timed)
    callsite.follow_coroutines()


def uninstall() -> None:
    """Undo `install`, for the connections of this thread."""
    from django.db import connections
    from django.db.backends.base.base import BaseDatabaseWrapper
    from django.db.backends.signals import connection_created

    queries.unobserve()
    connection_created.disconnect(dispatch_uid=__name__)
    for connection in connections.all(initialized_only=True):
        wrappers = connection.execute_wrappers
        wrappers[:] = [wrapper for wrapper in wrappers if wrapper is not _observe]
    patch.unwrap(BaseDatabaseWrapper, "connect")
    callsite.unfollow_coroutines()


def _observe(execute: Callable[..., Any], sql: Any, params: Any, many: bool, context_: dict[str, Any]) -> Any:
    """Run a query for Django, counted for the execution that it belongs to."""
    attempt = context.current()
    if attempt is None:
        queries.stray()
        return execute(sql, params, many, context_)
    capture = attempt.capture
    if capture is None:
        return execute(sql, params, many, context_)
    connection = context_["connection"]
    if attempt.heeds_queries and id(connection) not in _connecting:
        queries.announce(attempt, capture, _text(sql, connection), connection.alias)
    phase = capture.phase
    started_ns = perf_counter_ns()
    try:
        return execute(sql, params, many, context_)
    finally:
        time_ns = perf_counter_ns() - started_ns
        if attempt.heeds_queries:
            attempt.on_answer()
        try:
            if _connecting and id(connection) in _connecting:
                phase = "connect"
            text = sql if type(sql) is str else _text(sql, connection)
            capture.add((phase, connection.alias, text, "django"), many, time_ns)
        except queries.MISTAKES as mistake:
            queries.note(f"a query was not counted: {mistake!r}")


def _text(sql: Any, connection: Any) -> str:
    """Return a statement as text; psycopg lets it be composed of parts, and be bytes."""
    if isinstance(sql, str):
        return str(sql)
    if isinstance(sql, bytes):
        return sql.decode(errors="replace")
    try:
        return str(sql.as_string(connection.connection))
    except (*queries.MISTAKES, connection.Database.Error):
        return repr(sql)


def _attach(connection: Any, **_: Any) -> None:
    """Put the wrapper on a connection: outermost, and once.

    Appended, it would be the one that goes when somebody's ``with connection.execute_wrapper``
    pops the last. It stays over close and reopen.
    """
    wrappers = connection.execute_wrappers
    if not any(wrapper is _observe for wrapper in wrappers):
        wrappers.insert(0, _observe)


def _timed(connect: Callable[[Any], None]) -> Callable[[Any], None]:
    def timed(connection: Any) -> None:
        started_ns = perf_counter_ns()
        _connecting.add(id(connection))
        try:
            connect(connection)
        finally:
            _connecting.discard(id(connection))
            attempt = context.current()
            if attempt is not None and attempt.capture is not None:
                attempt.capture.connects += 1
                attempt.capture.connect_ns += perf_counter_ns() - started_ns

    return timed
