"""Judges ``celery_queries``: what the body of each execution asked of the database."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from pathlib import Path

from pytest_celery_perf.judge.measured import UNENDED
from pytest_celery_perf.judge.phrases import beyond_warmup
from pytest_celery_perf.judge.statements import advice, table
from pytest_celery_perf.judge.subjects import Subject, judge_each, never_started
from pytest_celery_perf.measure.cases import unended
from pytest_celery_perf.measure.connects import filling
from pytest_celery_perf.measure.fingerprint import readable
from pytest_celery_perf.measure.queries import QueryProfile, Statement, profile
from pytest_celery_perf.model.frame import Frame
from pytest_celery_perf.model.history import History
from pytest_celery_perf.model.record import Execution, Outcome
from pytest_celery_perf.model.spec import QueriesBudget
from pytest_celery_perf.model.units import NS_PER_S, format_duration_ns
from pytest_celery_perf.model.verdict import Check, Verdict

MARKER = "celery_queries"

_WARM_UP = "warm-up"
_NOT_COUNTED = "in a worker that uses neither Django nor SQLAlchemy, where nobody counts queries"
_UNATTRIBUTED = "unattributed queries"
_CONNECTS = "connects"
_KEPT = "of connects alone (what they opened, their process may keep for all that it runs at once)"
_ALL_KEPT = (
    "each of them opened a connection, which its process may keep for all that it runs at once: run the task more "
    "often, or on prefork, to see whether it is kept"
)
_ENGINES = (
    "an engine of SQLAlchemy is known by its logging_name, else by the name of its database; one that tasks shall "
    "leave alone must exist in the process of the tests too, or nobody has heard of it"
)
_WORST_SHOWN = 2
"""How many executions are shown where different checks were failed by different ones."""


def judge(budget: QueriesBudget, history: History, root: Path | None = None) -> tuple[Verdict, ...]:
    """Judge the queries of each execution, for each task name on its own.

    Judged is the task's body. Transaction control, hooks and connecting are shown apart. An
    execution counts if it came to its end: of one that crashed, the queries are unknown, and
    one that was made to raise (``celery_perf.fail``) did not run its body. ``exact`` looks at
    those that succeeded, if any did, since a body that raises stops half way.

    Args:
        budget: The limits.
        history: What happened.
        root: The folder that paths are shown relative to.
    """
    return judge_each(MARKER, budget, history, root, _judge_task)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Finding:
    """A check, and the execution that decided it."""

    check: Check
    worst: QueryProfile
    limit_ns: int | None = None
    """Of the time that one query may take, if that is what was checked."""


def _judge_task(budget: QueriesBudget, subject: Subject) -> Verdict:
    started = [execution for life in subject.lives for execution in life.started]
    if not started:
        return never_started(subject)
    judged, left_out = _selected(started, budget.warmup, unended(subject.lives, subject.history))
    if not judged:
        return _nothing_known(subject, started, left_out, budget)
    profiles = [profile(execution) for execution in judged]
    unused = [*_unused(budget, subject)]
    kept = filling(subject.history) if budget.connects is not None and budget.warmup else frozenset()
    connecting = [each for each in profiles if each.execution not in kept]
    left_out[_KEPT] = len(profiles) - len(connecting)
    findings = [*_findings(budget, profiles, connecting)]
    failed = [finding for finding in findings if not finding.check.ok]
    worst = list(dict.fromkeys(finding.worst for finding in failed))[:_WORST_SHOWN]
    blind = [*_blind(budget, profiles), *([] if connecting else [_ALL_KEPT])]
    evidence = [
        *(line for each in worst for line in table(each, subject, lambda one: _mark(one, failed))),
        *([] if not (failed or blind) else _scope(profiles, left_out)),
        *blind,
    ]
    return subject.verdict(
        [*unused, *(finding.check for finding in findings)],
        evidence,
        [*(_ENGINES for _ in unused), *_advice(budget, failed, worst, subject)],
        places=_places(worst, failed),
        inconclusive=bool(blind),
    )


def _unused(budget: QueriesBudget, subject: Subject) -> Iterator[Check]:
    """Fail for a database that nobody has heard of: a misspelt one would never be over its budget."""
    seen = sorted({use.alias for execution in subject.history.executions for use in execution.queries})
    told = f" (seen: {', '.join(seen)})" if seen else ""
    for alias in budget.unheard_of:
        if alias not in seen:
            yield Check(metric=f"uses of database {alias!r}", budget="≥ 1", actual=f"0{told}", ok=False)


def _selected(
    started: Sequence[Execution], warmup: int, running: AbstractSet[Execution]
) -> tuple[list[Execution], Counter[str]]:
    """Choose the executions to judge, and count the others by the reason."""
    left_out: Counter[str] = Counter()
    judged = []
    runs_of_process: Counter[tuple[str, int | None]] = Counter()
    for execution in sorted(started, key=lambda each: each.started_ns or 0):
        if execution.ended_ns is None and execution in running:
            left_out[UNENDED] += 1
        elif execution.ended_ns is None or execution.outcome is Outcome.LOST:
            left_out["crashed (what it asked is not known)"] += 1
        elif execution.injected or execution.body_started_ns is None:
            left_out["stopped before its body ran"] += 1
        elif not execution.queries_counted:
            left_out[_NOT_COUNTED] += 1
        else:
            process = (execution.boot, execution.pid)
            runs_of_process[process] += 1
            if runs_of_process[process] <= warmup:
                left_out[_WARM_UP] += 1
            else:
                judged.append(execution)
    return judged, left_out


def _findings(
    budget: QueriesBudget, profiles: Sequence[QueryProfile], connecting: Sequence[QueryProfile]
) -> Iterator[_Finding]:
    if budget.max is not None:
        yield _at_most("queries", budget.max, profiles, [each.count for each in profiles])
    if budget.exact is not None:
        yield _exactly(budget.exact, profiles)
    for alias, limit in budget.using:
        yield _at_most(f"queries on {alias}", limit, profiles, [each.by_alias[alias] for each in profiles])
    for verb, limit in budget.verbs:
        yield _at_most(verb.upper(), limit, profiles, [each.by_verb[verb.upper()] for each in profiles])
    if budget.no_n_plus_one:
        yield _no_n_plus_one(profiles)
    if budget.slowest_s is not None:
        yield _slowest(round(budget.slowest_s * NS_PER_S), profiles)
    if budget.connects is not None and connecting:
        yield _at_most(_CONNECTS, budget.connects, connecting, [each.execution.connects for each in connecting])
    strict = budget.max is not None or budget.exact is not None or bool(budget.using or budget.verbs)
    strays = [each.execution.unattributed_queries for each in profiles]
    if strict and any(strays):
        yield _at_most(_UNATTRIBUTED, 0, profiles, strays)


def _at_most(metric: str, limit: int, profiles: Sequence[QueryProfile], figures: Sequence[int]) -> _Finding:
    actual = max(figures)
    check = Check(metric=metric, budget=f"≤ {limit}", actual=str(actual), ok=actual <= limit)
    return _Finding(check=check, worst=profiles[figures.index(actual)])


def _exactly(expected: int, profiles: Sequence[QueryProfile]) -> _Finding:
    complete = [each for each in profiles if each.execution.outcome is Outcome.SUCCEEDED] or profiles
    worst = max(complete, key=lambda each: abs(each.count - expected))
    check = Check(metric="queries", budget=f"= {expected}", actual=str(worst.count), ok=worst.count == expected)
    return _Finding(check=check, worst=worst)


def _no_n_plus_one(profiles: Sequence[QueryProfile]) -> _Finding:
    worst = max(profiles, key=lambda each: sum(one.count for one in each.n_plus_one))
    times = [f"×{one.count}" for one in worst.n_plus_one]
    actual = f"{len(times)} ({', '.join(times)})" if times else "0"
    return _Finding(check=Check(metric="N+1 statements", budget="= 0", actual=actual, ok=not times), worst=worst)


def _slowest(limit_ns: int, profiles: Sequence[QueryProfile]) -> _Finding:
    worst = max(profiles, key=_slowest_ns)
    actual_ns = _slowest_ns(worst)
    budget, actual = f"≤ {format_duration_ns(limit_ns)}", format_duration_ns(actual_ns)
    check = Check(metric="slowest query", budget=budget, actual=actual, ok=actual_ns <= limit_ns)
    return _Finding(check=check, worst=worst, limit_ns=limit_ns)


def _slowest_ns(profile: QueryProfile) -> int:
    return 0 if profile.slowest is None else profile.slowest.slowest_ns


def _counted(failed: Sequence[_Finding]) -> bool:
    """Tell whether any check that failed is about the number of statements."""
    return any(each.limit_ns is None and each.check.metric not in {_UNATTRIBUTED, _CONNECTS} for each in failed)


def _mark(statement: Statement, failed: Sequence[_Finding]) -> str:
    """Say what is wrong with a statement."""
    if any(finding.limit_ns is not None and statement.slowest_ns > finding.limit_ns for finding in failed):
        return f"slow: up to {format_duration_ns(statement.slowest_ns)}"
    if statement.repeated and _counted(failed):
        return "N+1" if statement.n_plus_one else "repeated"
    over = {finding.check.metric for finding in failed}
    return "over budget" if {statement.verb, f"queries on {statement.alias}"} & over else ""


def _places(worst: Sequence[QueryProfile], failed: Sequence[_Finding]) -> tuple[Frame, ...]:
    """Return the lines that send what is wrong; where no statement is, those of all."""
    statements = [one for each in worst for one in each.statements]
    wrong = [one for one in statements if _mark(one, failed)] or statements
    return tuple(dict.fromkeys(stack[0] for one in wrong for stack, _ in one.stacks if stack))


def _blind(budget: QueriesBudget, profiles: Sequence[QueryProfile]) -> list[str]:
    """Name what might be an N+1, but was called from nobody knows where."""
    if not budget.no_n_plus_one:
        return []
    unknown = {
        one.fingerprint: one.count
        for each in profiles
        for one in each.statements
        if one.verb == "SELECT" and one.count > 1 and not any(stack for stack, _ in one.stacks)
    }
    return [f"no line of your code was seen to send this, {count} times: {text}" for text, count in unknown.items()]


def _scope(profiles: Sequence[QueryProfile], left_out: Counter[str]) -> Iterator[str]:
    """Tell how many executions were judged, how they differ and which were left out."""
    counts = [each.count for each in profiles]
    if len(counts) > 1:
        spread = f"{min(counts)}" if min(counts) == max(counts) else f"{min(counts)} to {max(counts)}"
        yield f"judged {len(counts)} executions: {spread} queries each"
    if told := ", ".join(f"{count} {reason}" for reason, count in left_out.items() if count):
        yield f"left out: {told}"


def _nothing_known(
    subject: Subject, started: Sequence[Execution], left_out: Counter[str], budget: QueriesBudget
) -> Verdict:
    check = Check(metric="executions to judge", budget="≥ 1", actual=f"0 of {len(started)}", ok=False)
    fix = []
    if left_out[_WARM_UP]:
        fix.append(beyond_warmup(budget.warmup))
    if left_out[_NOT_COUNTED]:
        fix.append(
            "with Django: let the module of celery_perf_app set DJANGO_SETTINGS_MODULE, as Celery's Django integration "
            "asks for"
        )
    return subject.verdict((check,), _scope((), left_out), fix)


def _advice(
    budget: QueriesBudget, failed: Sequence[_Finding], worst: Sequence[QueryProfile], subject: Subject
) -> Iterator[str]:
    counted = _counted(failed)
    repeated = [one for each in worst for one in each.statements if one.repeated] if counted else []
    yield from advice(repeated, subject)
    for finding in failed:
        slow = finding.worst.slowest
        if finding.limit_ns is not None and slow is not None:
            yield (
                f"`{readable(slow.fingerprint, 70)}` took {finding.check.actual}: EXPLAIN it for an index it lacks "
                "or rows it need not read; or it waited for a lock"
            )
    metrics = {finding.check.metric for finding in failed if finding.limit_ns is None}
    if _UNATTRIBUTED in metrics:
        yield (
            "these queries ran in a thread or greenlet that does not tell whose work it does, while several tasks "
            "ran in the process: run them one at a time, or start the thread inside of the task"
        )
    if _CONNECTS in metrics:
        # Source: celery.fixups.django.DjangoWorkerFixup.close_database, before and after each task.
        yield (
            "let connections last: Celery closes Django's around each task unless its CELERY_DB_REUSE_MAX is set "
            "(before 5.7 CONN_MAX_AGE is enough); with SQLAlchemy use an engine's own pool, no NullPool, no dispose() "
            "in a task" + ("" if budget.warmup else "; warmup=1 leaves out what opens those that last")
        )
    if not repeated and budget.exact is not None and any(each.count < budget.exact for each in worst):
        yield f"fewer queries than expected: if that is the improvement you made, write exact={worst[0].count}"
    elif counted and not repeated:
        yield "each statement is sent once: leave one out, merge some of them, or raise the budget on purpose"
