"""How the queries of one execution are shown, and what to do about those that repeat."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator

from pytest_celery_perf.judge.subjects import Subject
from pytest_celery_perf.measure.fingerprint import readable
from pytest_celery_perf.measure.queries import CallStack, QueryProfile, Statement
from pytest_celery_perf.model.units import format_duration_ns

SHOWN = 12
"""How many statements of an execution are shown before the rest is only counted."""
_SITES = 3
"""How many call sites of one statement are shown."""
_CALLERS = 3
"""How many frames of a repeated call are shown: the loop may be in any of them."""


def table(profile: QueryProfile, subject: Subject, mark: Callable[[Statement], str]) -> Iterator[str]:
    """Show the queries of an execution.

    Args:
        profile: Its queries.
        subject: Knows how to print a place.
        mark: Says what is wrong with a statement; ``""`` if nothing is.

    Yields:
        A headline; a line for each statement with count, time, text, call site and mark; what
        was left out of the count.
    """
    yield f"{_who(profile, subject)}: {_total(profile)}"
    shown, rest = profile.statements[:SHOWN], profile.statements[SHOWN:]
    several = len(profile.by_alias) > 1
    cells = [(f"{each.count}×", format_duration_ns(each.time_ns), _text(each, several=several)) for each in shown]
    counts, times, texts = (max((len(row[column]) for row in cells), default=0) for column in range(3))
    for statement, (count, time, text) in zip(shown, cells, strict=True):
        first, *others = _sites(statement, subject) or [""]
        remark = mark(statement)
        line = f"  {count:>{counts}} {time:>{times}}  {text:<{texts}}  "
        yield f"{line}{first}".rstrip() + (f"  ← {remark}" if remark else "")
        yield from (" " * len(line) + other for other in others)
    if rest:
        yield f"  … and {len(rest)} more statements ({sum(each.count for each in rest)} queries)"
    yield _left_out(profile)


_BY_KEY = re.compile(r" WHERE \(?(?:[\w.]+\.)?id = \?\)?(?: LIMIT \?)?$")
_AGGREGATE = re.compile(r"SELECT (?:COUNT|SUM|AVG|MAX|MIN)\(")
_OF_DJANGO = {
    "key": "load the rows together: select_related(…) where a foreign key is followed, else in_bulk(…) before the loop",
    "aggregate": "let the outer query compute it: annotate(…)",
    "exists": "let the outer query tell: annotate(Exists(…)), or ask once with filter(…__in=…)",
    "SELECT": "load the rows together: prefetch_related(…) on the outer query, or one filter(…__in=…) before the loop",
    "INSERT": "collect the objects and write them with bulk_create(…, batch_size=…)",
    "UPDATE": "collect the objects and write them with bulk_update(…, batch_size=…), or with one queryset.update(…)",
    "DELETE": "delete them with one filter(pk__in=…).delete()",
}
_OF_SQLALCHEMY = {
    "key": "load the rows together: options(joinedload(…)) on the outer query, or one where(….in_(…)) before the loop",
    "aggregate": "let the outer query compute it: group_by(…), or a scalar_subquery()",
    "exists": "let the outer query tell: where(….any()), or ask once with where(….in_(…))",
    "SELECT": "load the rows together: options(selectinload(…)) on the outer query, or where(….in_(…)) before the loop",
    "INSERT": "write them together: session.add_all(…) and one flush, or execute(insert(…), rows)",
    "UPDATE": "write them together: execute(update(…), rows), or one update(…).where(…)",
    "DELETE": "delete them with one delete(…).where(….in_(…))",
}
_REMEDIES = {"django": _OF_DJANGO, "sqlalchemy": _OF_SQLALCHEMY}


def advice(statements: Iterable[Statement], subject: Subject) -> Iterator[str]:
    """Say how to ask once for what a statement asks for again and again."""
    for statement in statements:
        if statement.repeated:
            site = _site(statement.repeated[0][:1], subject)
            remedy = _REMEDIES[statement.library].get(_kind(statement), "send it once for all rows")
            yield f"{site} repeats `{readable(statement.fingerprint, 70)}`: {remedy}"


def sent_from(statement: Statement, subject: Subject) -> str:
    """Print where a statement is sent from most often; empty if no line of the user's code was seen."""
    stacks = [stack for stack, _ in statement.stacks if stack]
    return _site(stacks[0][:1], subject) if stacks else ""


def _kind(statement: Statement) -> str:
    if statement.verb != "SELECT":
        return statement.verb
    if statement.fingerprint.startswith("SELECT ? AS a "):
        return "exists"
    if _AGGREGATE.match(statement.fingerprint):
        return "aggregate"
    return "key" if _BY_KEY.search(statement.fingerprint) else "SELECT"


def _who(profile: QueryProfile, subject: Subject) -> str:
    execution = profile.execution
    short = subject.name.rpartition(".")[2]
    attempt = f"attempt {execution.retries + 1}"
    cold = ", first of its process" if execution.first_in_process else ""
    return f"{short}[{execution.task_id[:8]}], {attempt}, {execution.pool} process {execution.pid}{cold}"


def _total(profile: QueryProfile) -> str:
    first, *others = profile.by_alias.items() or [("", 0)]
    if not first[1]:
        return "no queries"
    noun = "query" if first[1] == 1 else "queries"
    return ", ".join([f"{first[1]} {noun} on {first[0]}", *(f"{count} on {alias}" for alias, count in others)])


def _text(statement: Statement, *, several: bool) -> str:
    return (f"{statement.alias}: " if several else "") + readable(statement.fingerprint)


def _sites(statement: Statement, subject: Subject) -> list[str]:
    """Print where a statement came from, with how often as far as that is known."""
    known = [(stack, calls) for stack, calls in statement.stacks if stack]
    lines = []
    for stack, calls in known[:_SITES]:
        depth = _CALLERS if stack in statement.repeated else 1
        lines.append(f"{_site(stack[:depth], subject)}{_times(statement, calls)}")
    if len(known) > _SITES:
        lines.append(f"and {len(known) - _SITES} other places")
    return lines


def _times(statement: Statement, calls: int) -> str:
    if len(statement.stacks) == 1:
        return ""  # all of them: the line begins with how many
    if statement.sampled < statement.count:
        return f" ×{calls} or more"
    return "" if calls == 1 else f" ×{calls}"


def _site(stack: CallStack, subject: Subject) -> str:
    return " ← ".join(f"{subject.place(frame)} {frame.function}" for frame in stack)


def _left_out(profile: QueryProfile) -> str:
    execution = profile.execution
    connects = f"{execution.connects} connects" if execution.connects != 1 else "1 connect"
    asides = [
        f"{profile.transaction_control} transaction control" if profile.transaction_control else "",
        f"{connects} ({format_duration_ns(execution.connect_ns)})" if execution.connects else "",
        f"{profile.connect} while connecting" if profile.connect else "",
        f"{profile.hooks} in hooks" if profile.hooks else "",
    ]
    told = ", ".join(filter(None, asides)) or "nothing"
    return f"not counted: {told} · unattributed {execution.unattributed_queries}"
