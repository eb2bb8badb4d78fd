"""Sees the queries that SQLAlchemy makes, through its own events, for every engine there is or will be.

Loaded by apps that use SQLAlchemy: nothing here imports it by itself. Asyncio engines have such an engine inside, which
works in a greenlet beside the coroutine that awaits it.

Not counted, because they go to the driver: COMMIT, BEGIN, and what a dialect asks when an engine connects first.
"""

from __future__ import annotations

import contextlib
import gc
import os
import sys
from collections.abc import Callable, Iterator
from time import perf_counter_ns
from typing import TYPE_CHECKING, Any

from pytest_celery_perf.probe import callsite, context, queries

if TYPE_CHECKING:
    from pytest_celery_perf.probe.attempt import RunningAttempt

_STARTED = "_celery_perf_started"
"""Where what is under way keeps when it began, and for whom."""


def install(report: Callable[[str], None] | None = None) -> None:
    """Observe every engine of this process. May be called again; survives a fork.

    Args:
        report: Told once of each problem.

    Source:
        SQLAlchemy's ConnectionEvents, DialectEvents and PoolEvents; a listener of the class hears of all engines.
    """
    sqlalchemy: Any = sys.modules["sqlalchemy"]
    queries.observe(report)
    for target, name, listener in _listeners():
        if not sqlalchemy.event.contains(target, name, listener):
            sqlalchemy.event.listen(target, name, listener)
    attempt = context.current()
    if attempt is not None and attempt.capture is None:
        # A task that imports it while it runs.
        attempt.capture = queries.Capture()
        attempt.capture.phase = "body" if attempt.body_started_ns and not attempt.body_ended_ns else "hooks"


def uninstall() -> None:
    """Undo `install`."""
    sqlalchemy: Any = sys.modules["sqlalchemy"]
    queries.unobserve()
    for target, name, listener in _listeners():
        if sqlalchemy.event.contains(target, name, listener):
            sqlalchemy.event.remove(target, name, listener)


def _listeners() -> list[tuple[Any, str, Callable[..., Any]]]:
    from sqlalchemy.engine import Engine
    from sqlalchemy.pool import Pool

    return [
        (Engine, "before_cursor_execute", _begin),
        (Engine, "after_cursor_execute", _end),
        (Engine, "handle_error", _fail),
        (Engine, "commit", _commit),
        (Engine, "do_connect", _connecting),
        (Pool, "connect", _connected),
    ]


def alias_of(engine: Any) -> str:
    """Return what a reader knows an engine by: its ``logging_name``, else the name of its database."""
    named: str = engine.logging_name or engine.url.database or engine.dialect.name
    return os.path.basename(named)


def engine_names() -> set[str]:
    """Return what the engines of this process are known by; none if it has not imported SQLAlchemy."""
    if sys.modules.get("sqlalchemy") is None:
        return set()
    from sqlalchemy.engine import Engine

    # SQLAlchemy lists them nowhere. By their types, as a lazy object that is asked for its class makes itself.
    return {alias_of(each) for each in gc.get_objects() if issubclass(type(each), Engine)}


def _begin(connection: Any, _cursor: Any, statement: str, parameters: Any, execution: Any, many: bool) -> None:
    """Handle ``before_cursor_execute``: a statement is about to be sent."""
    attempt = context.current()
    if attempt is None:
        queries.stray()
        return
    capture = attempt.capture
    if capture is None:
        return
    alias = alias_of(connection.engine)
    if attempt.heeds_queries:
        with _of_driver(connection, statement, parameters):
            queries.announce(attempt, capture, statement, alias)
    key = capture.phase, alias, statement, "sqlalchemy"
    setattr(execution, _STARTED, (attempt, key, many, perf_counter_ns()))


def _end(_connection: Any, _cursor: Any, _statement: str, _parameters: Any, execution: Any, _many: bool) -> None:
    """Handle ``after_cursor_execute``: it has been executed."""
    _count(execution)


def _fail(error: Any) -> None:
    """Handle ``handle_error``: it has failed, or something else has."""
    if error.execution_context is not None:
        _count(error.execution_context)


def _count(execution: Any) -> None:
    started: tuple[RunningAttempt, tuple[str, str, str, str], bool, int] | None = getattr(execution, _STARTED, None)
    if started is None:
        return
    attempt, key, many, started_ns = started
    time_ns = perf_counter_ns() - started_ns
    delattr(execution, _STARTED)  # what fails after it has been executed is told of twice
    if attempt.heeds_queries:
        attempt.on_answer()
    capture = attempt.capture
    try:
        if capture is not None:
            callsite.beside_coroutine(capture.add, key, many, time_ns)
    except queries.MISTAKES as mistake:
        queries.note(f"a query was not counted: {mistake!r}")


def _commit(connection: Any) -> None:
    """Handle ``commit``: a transaction is about to be committed, which is a touch point."""
    attempt = context.current()
    if attempt is not None and attempt.touches is not None:
        with _of_driver(connection, None, None):
            attempt.touches.reach("commit", alias_of(connection.engine))


@contextlib.contextmanager
def _of_driver(connection: Any, statement: str | None, parameters: Any) -> Iterator[None]:
    """Raise what is ordered in here as SQLAlchemy does: with the driver's exception, the statement and its parameters.

    Source:
        ``Connection._handle_dbapi_exception``. Who orders an exception by its class alone does not know these, see
        `raising.made`.
    """
    from sqlalchemy.exc import DBAPIError

    try:
        yield
    except DBAPIError as error:
        kind: Any = getattr(connection.dialect.loaded_dbapi, type(error).__name__, None)
        if type(error.orig) is not Exception or kind is None:
            raise
        drivers = kind(*error.orig.args)
        raise type(error)(statement, parameters, drivers) from drivers


def _connecting(_dialect: Any, record: Any, _args: Any, _kwargs: Any) -> None:
    """Handle ``do_connect``: a connection is about to be opened."""
    record.info[_STARTED] = perf_counter_ns()


def _connected(_connection: Any, record: Any) -> None:
    """Handle ``connect``: it is open."""
    # Nobody tells when a `create_engine(creator=…)` begins to open one.
    started_ns = record.info.pop(_STARTED, None)
    attempt = context.current()
    if attempt is not None and attempt.capture is not None:
        attempt.capture.connects += 1
        if started_ns is not None:
            attempt.capture.connect_ns += perf_counter_ns() - started_ns
