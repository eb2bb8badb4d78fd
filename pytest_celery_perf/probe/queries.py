"""Counts the database queries of a task while it runs, and samples where they come from.

A wrapper of Django's own kind sits outermost on every connection of the process, whoever
opens it. Per query it updates a counter and nothing else; only a few calls of each
statement look at the stack.

Not seen, because Django does not pass it through its cursor's ``execute``: statements on a
driver's own cursor, COPY, stored procedures, and COMMIT. A query in a transaction that is
already broken is counted although PostgreSQL never gets it. Queries of a process that a task
forks are that process's own.
"""

from __future__ import annotations

from collections.abc import Callable
from time import perf_counter_ns
from typing import TYPE_CHECKING, Any

from pytest_celery_perf.probe import callsite, context, patch
from pytest_celery_perf.probe.callsite import Stack, is_user_file, stack_of
from pytest_celery_perf.probe.sql import is_transaction_control, verb

if TYPE_CHECKING:
    from pytest_celery_perf.probe.attempt import RunningAttempt

__all__ = ["Capture", "install", "is_user_file", "problems", "unattributed", "uninstall"]

ALWAYS_SAMPLED = 8
"""The first calls of a statement, of all of which the call site is recorded; then at powers of two."""
MOST_STATEMENTS = 2000
"""How many different statements of one execution are told apart."""
MOST_PROBLEMS = 20

# What a mistake in here could raise. Not `Exception`: a time limit's signal handler may raise
# at any line of ours, and what it raises is meant for the task.
_MISTAKES = (ArithmeticError, AssertionError, AttributeError, LookupError, RuntimeError, TypeError, ValueError)

unattributed = 0
"""Queries which could belong to any of the executions that were under way."""
problems: list[str] = []
"""What went wrong in here, at most `MOST_PROBLEMS` texts."""

_report: Callable[[str], None] | None = None

_connecting: set[int] = set()
"""Ids of the connections that are being opened."""


class _Use:
    """How one statement was used."""

    __slots__ = ("count", "many", "stacks", "time_ns")

    def __init__(self) -> None:
        self.count = 0
        self.many = 0
        self.time_ns = 0
        self.stacks: dict[Stack, int] = {}


class Capture:
    """The queries of one execution.

    Threads of one task may add at the same time without a lock, which a fork or a signal
    handler could leave locked for ever: CPython changes threads at calls and backward jumps,
    and there is none between reading a counter and writing it back.
    """

    __slots__ = ("_closed", "_number", "_uses", "connect_ns", "connects", "phase")

    def __init__(self) -> None:
        self.phase = "hooks"
        """Where the execution is: ``body`` or ``hooks``."""
        self.connects = 0
        self.connect_ns = 0
        self._number = 0
        self._uses: dict[tuple[str, str, str], _Use] = {}
        self._closed = False

    def summary(self, intern_sql: Callable[[str], int], intern_stack: Callable[[Stack], int]) -> list[list[Any]]:
        """Return what was counted, and count no more.

        Args:
            intern_sql: Gives the number that stands for a statement.
            intern_stack: Gives the number that stands for a stack.

        Returns:
            Rows ``[alias, sql_ref, phase, count, many, time_ns, [[stack_ref, sampled], …]]``,
            in the order in which the statements were first used.
        """
        self._closed = True
        return [
            [
                alias,
                intern_sql(sql),
                phase,
                use.count,
                use.many,
                use.time_ns,
                [[intern_stack(stack), sampled] for stack, sampled in [*use.stacks.items()]],
            ]
            for (phase, alias, sql), use in [*self._uses.items()]
        ]

    def next_number(self) -> int:
        """Return the number of the body's query that is about to run; 0 outside the body."""
        if self.phase != "body":
            return 0
        self._number += 1
        return self._number

    def add(self, phase: str, connection: Any, sql: Any, many: bool, time_ns: int) -> None:
        """Count a query that the calling code makes."""
        if self._closed:
            _note("a thread that outlived its task made queries, which belong to no execution")
            return
        if _connecting and id(connection) in _connecting:
            phase = "connect"
        text = sql if type(sql) is str else _text(sql, connection)
        key = (phase, connection.alias, text)
        use = self._uses.get(key) or self._first(key)
        use.count = count = use.count + 1
        use.time_ns += time_ns
        if many:
            use.many += 1
        if count <= ALWAYS_SAMPLED or not count & (count - 1):
            stack = stack_of(text)
            use.stacks[stack] = use.stacks.get(stack, 0) + 1

    def _first(self, key: tuple[str, str, str]) -> _Use:
        if len(self._uses) >= MOST_STATEMENTS:
            # Values written into the text make every statement a new one: keep only the verb.
            key = (key[0], key[1], f"{verb(key[2])} /* one of more than {MOST_STATEMENTS} different statements */")
        return self._uses.setdefault(key, _Use())


def _observe(execute: Callable[..., Any], sql: Any, params: Any, many: bool, context_: dict[str, Any]) -> Any:
    """Run a query for Django, counted for the execution that it belongs to."""
    attempt = context.current()
    if attempt is None:
        if context.active():
            global unattributed
            unattributed += 1
        return execute(sql, params, many, context_)
    capture = attempt.capture
    if capture is None:
        return execute(sql, params, many, context_)
    if attempt.heeds_queries:
        _announce(attempt, capture, sql, context_["connection"])
    phase = capture.phase
    started_ns = perf_counter_ns()
    try:
        return execute(sql, params, many, context_)
    finally:
        time_ns = perf_counter_ns() - started_ns
        if attempt.heeds_queries:
            attempt.on_answer()
        try:
            capture.add(phase, context_["connection"], sql, many, time_ns)
        except _MISTAKES as mistake:
            _note(f"a query was not counted: {mistake!r}")


def _announce(attempt: RunningAttempt, capture: Capture, sql: Any, connection: Any) -> None:
    """Tell an execution of the query that it is about to make."""
    text = _text(sql, connection)
    if id(connection) not in _connecting and not is_transaction_control(text):
        attempt.on_query(capture.next_number(), text, connection.alias)


def _text(sql: Any, connection: Any) -> str:
    """Return a statement as text; psycopg lets it be composed of parts, and be bytes."""
    if isinstance(sql, str):
        return str(sql)
    if isinstance(sql, bytes):
        return sql.decode(errors="replace")
    try:
        return str(sql.as_string(connection.connection))
    except (*_MISTAKES, connection.Database.Error):
        return repr(sql)


def _note(problem: str) -> None:
    if problem not in problems and len(problems) < MOST_PROBLEMS:
        problems.append(problem)
        try:
            if _report is not None:
                _report(problem)
        except OSError:
            pass


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

    global _report
    _report = report
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

    connection_created.disconnect(dispatch_uid=__name__)
    for connection in connections.all(initialized_only=True):
        wrappers = connection.execute_wrappers
        wrappers[:] = [wrapper for wrapper in wrappers if wrapper is not _observe]
    patch.unwrap(BaseDatabaseWrapper, "connect")
    callsite.unfollow_coroutines()


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
