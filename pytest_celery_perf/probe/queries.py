"""Counts the database queries of a task while it runs, and samples where they come from.

`probe/django_queries.py` and `probe/sqlalchemy_queries.py` see them. Per query a counter is
updated and nothing else; only a few calls of each statement look at the stack. Queries of a
process that a task forks are that process's own.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from pytest_celery_perf.probe import context
from pytest_celery_perf.probe.callsite import Stack, stack_of
from pytest_celery_perf.probe.sql import is_transaction_control, verb

if TYPE_CHECKING:
    from pytest_celery_perf.probe.attempt import RunningAttempt

ALWAYS_SAMPLED = 8
"""The first calls of a statement, of all of which the call site is recorded; then at powers of two."""
MOST_STATEMENTS = 2000
"""How many different statements of one execution are told apart."""
MOST_PROBLEMS = 20
SLOW_NS = 100_000_000
"""From so long on a query is slow.

Source:
    J. Nielsen, Usability Engineering, 1993, 5.5: what takes less seems to happen at once.
"""

# What a mistake in here could raise. Not `Exception`: a time limit's signal handler may raise
# at any line of ours, and what it raises is meant for the task.
MISTAKES = (ArithmeticError, AssertionError, AttributeError, LookupError, RuntimeError, TypeError, ValueError)

observed = False
"""Whether anybody sees the queries of this process."""
unattributed = 0
"""Queries which could belong to any of the executions that were under way."""
problems: list[str] = []
"""What went wrong in here, at most `MOST_PROBLEMS` texts."""

_report: Callable[[str], None] | None = None


_Key = tuple[str, str, str, str]
"""Phase, alias, text and library of a statement."""


class _Use:
    """How one statement was used."""

    __slots__ = ("count", "many", "slow", "slowest_ns", "stacks", "time_ns")

    def __init__(self) -> None:
        self.count = 0
        self.many = 0
        self.time_ns = 0
        self.slow = 0
        self.slowest_ns = 0
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
        self._uses: dict[_Key, _Use] = {}
        self._closed = False

    def summary(self, intern_sql: Callable[[str], int], intern_stack: Callable[[Stack], int]) -> list[list[Any]]:
        """Return what was counted, and count no more.

        Args:
            intern_sql: Gives the number that stands for a statement.
            intern_stack: Gives the number that stands for a stack.

        Returns:
            Rows as `wire.QueryRow` has them, in the order in which the statements were first used.
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
                use.slow,
                use.slowest_ns,
                library,
                [[intern_stack(stack), sampled] for stack, sampled in [*use.stacks.items()]],
            ]
            for (phase, alias, sql, library), use in [*self._uses.items()]
        ]

    def next_number(self) -> int:
        """Return the number of the body's query that is about to run; 0 outside the body."""
        if self.phase != "body":
            return 0
        self._number += 1
        return self._number

    def add(self, key: tuple[str, str, str, str], many: bool, time_ns: int) -> None:
        """Count a query that the calling code makes.

        Args:
            key: The phase that it was sent in, the alias of its database, its text, and the library that sends it.
            many: Whether it is an ``executemany``.
            time_ns: How long it took.
        """
        if self._closed:
            note("a thread that outlived its task made queries, which belong to no execution")
            return
        use = self._uses.get(key) or self._first(key)
        use.count = count = use.count + 1
        use.time_ns += time_ns
        if time_ns > use.slowest_ns:  # noqa: PLR1730 - a call would cost more
            use.slowest_ns = time_ns
        if time_ns >= SLOW_NS:
            use.slow += 1
        if many:
            use.many += 1
        if count <= ALWAYS_SAMPLED or not count & (count - 1):
            stack = stack_of(key[2])
            use.stacks[stack] = use.stacks.get(stack, 0) + 1

    def _first(self, key: _Key) -> _Use:
        if len(self._uses) >= MOST_STATEMENTS:
            # Values written into the text make every statement a new one: keep only the verb.
            phase, alias, text, library = key
            rest = f"{verb(text)} /* one of more than {MOST_STATEMENTS} different statements */"
            key = phase, alias, rest, library
        return self._uses.setdefault(key, _Use())


def stray() -> None:
    """Note a query of code that belongs to no execution, as far as is known: it may be that of any that run."""
    if context.active():
        global unattributed
        unattributed += 1


def announce(attempt: RunningAttempt, capture: Capture, sql: str, alias: str) -> None:
    """Tell an execution of the query that it is about to make.

    Raises:
        BaseException: What a ``raise`` order names.
    """
    if not is_transaction_control(sql):
        attempt.on_query(capture.next_number(), sql, alias)


def note(problem: str) -> None:
    """Tell that something went wrong in here, once."""
    if problem not in problems and len(problems) < MOST_PROBLEMS:
        problems.append(problem)
        try:
            if _report is not None:
                _report(problem)
        except OSError:
            pass


def observe(report: Callable[[str], None] | None) -> None:
    """Take note that somebody sees the queries of this process from now on.

    Args:
        report: Told once of each problem.
    """
    global observed, _report
    observed, _report = True, report


def unobserve() -> None:
    """Undo `observe`."""
    global observed, _report
    observed, _report = False, None
