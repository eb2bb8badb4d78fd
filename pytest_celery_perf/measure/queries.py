"""The queries of one execution, statement by statement, and which of them repeat themselves."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypeVar

from pytest_celery_perf.measure.fingerprint import batch_size, fingerprint, is_transaction_control, verb
from pytest_celery_perf.model.record import Execution, Frame, QueryUse

Key = TypeVar("Key")

CallStack = tuple[Frame, ...]
"""User frames, innermost first."""

BATCH = 100
"""A statement for at least so many rows at once is a step of batch processing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """All uses of one statement on one database in the body of one execution."""

    alias: str
    library: str
    """``django`` or ``sqlalchemy``."""
    fingerprint: str
    verb: str
    count: int
    time_ns: int
    slowest_ns: int
    stacks: tuple[tuple[CallStack, int], ...]
    """Where it was called from, with the number of sampled calls, the most frequent first."""
    repeated: tuple[CallStack, ...]
    """The stacks that one row at a time was asked for from, more than once.

    Exempt are ``executemany`` and statements for `BATCH` rows and more (an ``IN`` list or a
    ``LIMIT`` of that length): what Django's ``in_bulk``, ``bulk_create`` and ``bulk_update``
    or a loop over chunks send.
    """

    @property
    def sampled(self) -> int:
        """Of how many calls the stack was looked at."""
        return sum(calls for _, calls in self.stacks)

    @property
    def n_plus_one(self) -> bool:
        """Whether it read again and again from the same place what one query could have read."""
        return self.verb == "SELECT" and bool(self.repeated)


@dataclass(frozen=True, slots=True, kw_only=True)
class QueryProfile:
    """What one execution asked of its databases."""

    execution: Execution
    statements: tuple[Statement, ...]
    """Of the body, without transaction control; what repeats itself first, then the most frequent."""
    transaction_control: int
    """``BEGIN``, ``SAVEPOINT`` and the like, in the body."""
    hooks: int
    """Queries outside of the body: hooks, signal receivers, the result backend."""
    connect: int
    """Queries that belong to opening a connection."""

    @property
    def count(self) -> int:
        """How many queries the body made: the figure that is judged."""
        return sum(statement.count for statement in self.statements)

    @property
    def by_alias(self) -> Counter[str]:
        """The same by database."""
        return _counts((statement.alias, statement.count) for statement in self.statements)

    @property
    def by_verb(self) -> Counter[str]:
        """The same by ``SELECT``, ``INSERT``…."""
        return _counts((statement.verb, statement.count) for statement in self.statements)

    @property
    def slowest(self) -> Statement | None:
        """The statement that took longest at its slowest."""
        return max(self.statements, key=lambda statement: statement.slowest_ns, default=None)

    @property
    def n_plus_one(self) -> tuple[Statement, ...]:
        """The statements that grow with the number of rows."""
        return tuple(statement for statement in self.statements if statement.n_plus_one)


def body_queries(execution: Execution) -> int:
    """Count the statements of a task's body, transaction control left out: the figure that is judged."""
    body = (use for use in execution.queries if use.phase == "body")
    return sum(use.count for use in body if not is_transaction_control(use.sql))


def slow_queries(execution: Execution) -> int:
    """Count the queries of a task's body that took 100 ms or longer."""
    return sum(use.slow for use in execution.queries if use.phase == "body")


def profile(execution: Execution) -> QueryProfile:
    """Put the queries of an execution together.

    Args:
        execution: One that came to its end; before that, its queries are unknown.
    """
    uses: dict[tuple[str, str], list[QueryUse]] = {}
    aside: Counter[str] = Counter()
    for use in execution.queries:
        if use.phase != "body":
            aside[use.phase] += use.count
        elif is_transaction_control(use.sql):
            aside["transaction"] += use.count
        else:
            uses.setdefault((use.alias, fingerprint(use.sql)), []).append(use)
    statements = [_statement(alias, text, same) for (alias, text), same in uses.items()]
    statements.sort(key=lambda each: (not each.n_plus_one, not each.repeated, -each.count))
    return QueryProfile(
        execution=execution,
        statements=tuple(statements),
        transaction_control=aside["transaction"],
        hooks=aside["hooks"],
        connect=aside["connect"],
    )


def _statement(alias: str, text: str, uses: list[QueryUse]) -> Statement:
    stacks = _counts(pair for use in uses for pair in use.stacks)
    single = [use for use in uses if not use.many and batch_size(use.sql) < BATCH]
    repeated = _counts(pair for use in single for pair in use.stacks)
    return Statement(
        alias=alias,
        library=uses[0].library,
        fingerprint=text,
        verb=verb(uses[0].sql),
        count=sum(use.count for use in uses),
        time_ns=sum(use.time_ns for use in uses),
        slowest_ns=max(use.slowest_ns for use in uses),
        stacks=tuple(stacks.most_common()),
        repeated=tuple(stack for stack, calls in repeated.most_common() if stack and calls > 1),
    )


def _counts(pairs: Iterable[tuple[Key, int]]) -> Counter[Key]:
    counter: Counter[Key] = Counter()
    for key, count in pairs:
        counter[key] += count
    return counter
