"""One sweep: the test with a fault at each point of its task."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from pytest_celery_perf.judge.failures import MEND, errors_of, raised, undeclared
from pytest_celery_perf.judge.points import judge_point
from pytest_celery_perf.judge.subjects import Subject, listed
from pytest_celery_perf.judge.trial import Trial, comparable
from pytest_celery_perf.markers.sweeps import ERRORS, NO_WORK, SAID, SQLALCHEMYS
from pytest_celery_perf.measure.lives import lives, went_astray
from pytest_celery_perf.measure.points import Plan, is_sqlalchemys, plan, spread, targets_of
from pytest_celery_perf.measure.rows import Leeway
from pytest_celery_perf.measure.state import differences, unsteady
from pytest_celery_perf.model.arguments import did_you_mean
from pytest_celery_perf.model.history import History
from pytest_celery_perf.model.record import Point
from pytest_celery_perf.model.spec import Budget, CrashSweepBudget, FaultSweepBudget, IdempotentBudget, RerunBudget
from pytest_celery_perf.model.state import State
from pytest_celery_perf.model.sweep import PointResult, Sweep, Target
from pytest_celery_perf.model.units import format_duration_s
from pytest_celery_perf.model.verdict import Status
from pytest_celery_perf.probe.orders import FaultOrder
from pytest_celery_perf.sweep.doubts import Uncompared, doubt_of
from pytest_celery_perf.sweep.rerun import RECOVERY_S, Pass, Rerunner

TRIES = 3
IDS_SHOWN = 40
"""To somebody who has asked for one that there is not."""
NO_TABLES = (
    "there are no tables of Django to compare: besides what became of the tasks, only the test's own assertions, "
    "invariant= and outbound= can fail"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """Two runs of a test in which nothing went wrong."""

    first: Pass
    second: Pass
    unsteady: Leeway
    """What the databases held another of."""
    failing: Mapping[str, Subject]
    """The tasks that always fail, though nothing in the test says that they shall; by name."""

    @classmethod
    def of(cls, first: Pass, second: Pass, budgets: Iterable[Budget]) -> Reference:
        """Compare two runs of a test of which these budgets are demanded."""
        return cls(
            first=first,
            second=second,
            unsteady=unsteady(comparable(first.found), comparable(second.found)),
            failing=undeclared(budgets, first.found.history, Path.cwd()),
        )

    @property
    def timeout_s(self) -> float:
        """How long a run may wait in which something goes wrong."""
        return RECOVERY_S + 10 * max(self.first.found.duration_s, self.second.found.duration_s)


@dataclass(frozen=True, slots=True, kw_only=True)
class Swept:
    """A sweep that is over."""

    sweep: Sweep
    failed: Pass | None = None
    """The first run that did not end as it should."""
    failed_at: str = ""


def sweep(budget: RerunBudget, rerunner: Rerunner, reference: Reference, only: str = "") -> Swept:
    """Try the points of a task.

    Args:
        budget: The marker.
        rerunner: Runs the test.
        reference: What it should end like.
        only: The id of the only point to be tried; empty: all that the marker asks for.
    """
    targets = targets_of(reference.first.found.history, budget.task)
    chosen = plan(targets, budget, only)
    leeway = reference.unsteady.ignoring((*budget.volatile, *rerunner.left_alone))
    problem, advice = _problem(budget, reference, chosen, leeway, rerunner.left_alone, only=only)
    if problem:
        return Swept(sweep=_swept(budget, chosen, problem=problem, advice=advice))
    began_s = time.monotonic()
    results: dict[Target, PointResult] = {}
    failed: tuple[Pass, str] | None = None
    for target in chosen.targets if budget.budget_s is None else spread(chosen.targets):
        if budget.budget_s is not None and results and time.monotonic() - began_s >= budget.budget_s:
            break
        order = order_for(budget, target, reference.first.found.history)
        run = struck(rerunner, budget, order, reference.timeout_s)
        results[target] = judge_point(
            Trial(
                budget=budget,
                target=target,
                reference=reference.first.found,
                run=run.found,
                leeway=leeway.ignoring(rerunner.left_alone),
                root=Path.cwd(),
            )
        )
        if results[target].status is Status.FAIL and failed is None:
            failed = run, target.id
    seen = Uncompared.of(reference.first, budget.volatile, rerunner.left_alone)
    doubt = doubt_of(budget, rerunner.item, reference.first.found, leeway, seen)
    late = [target for target in chosen.targets if target not in results]
    return Swept(
        sweep=_swept(
            budget,
            chosen,
            results=tuple(results[target] for target in chosen.targets if target in results),
            left_out=_left_out(budget, chosen, late),
            unsteady=tuple(sorted(reference.unsteady.ignored)),
            vague=tuple(sorted(reference.unsteady.vague)),
            uncompared=tuple(seen.tables.items()),
            doubt=doubt.reason if doubt else "",
            advice=(doubt.advice,) if doubt else (),
            notes=() if reference.first.found.state.tables else (NO_TABLES,),
        ),
        failed=failed[0] if failed else None,
        failed_at=failed[1] if failed else "",
    )


def struck(rerunner: Rerunner, budget: RerunBudget, order: FaultOrder, timeout_s: float) -> Pass:
    """Run the test with a fault; again if what happened besides is not the point's doing.

    A worker that is killed at a point may just have taken another message, too, and not yet noted that in unacked: so
    kombu loses it, whatever the point, and whether it does in a run is chance.

    Args:
        rerunner: Runs the test.
        budget: The marker.
        order: The fault.
        timeout_s: How long a run may wait for its tasks.

    Returns:
        The last run: after `TRIES`, whatever it was like.

    Source:
        ``Channel._brpop_read`` and ``QoS.append`` in kombu/transport/redis.py.
    """
    again = partial(rerunner.run, budget, faults=(order,), timeout_s=timeout_s)
    run = again()
    for _ in range(TRIES - 1):
        if order.do != "kill-worker" or not any(map(went_astray, lives(run.found.history))):
            break
        run = again()
    return run


def order_for(budget: RerunBudget, target: Target, history: History) -> FaultOrder:
    """Return what has a fault strike at a point of a run, and nowhere else."""
    point = target.point
    error, packed = _error(budget, point, history) if isinstance(budget, FaultSweepBudget) else ("", "")
    return FaultOrder(
        key="sweep",
        task=point.name,
        do=_deed(budget),
        at=point.at,
        attempt=point.retries,
        expect=point.expected,
        way=target.way,
        error=error,
        args=(SAID,) if error else (),
        packed=packed,
    )


def _error(budget: FaultSweepBudget, point: Point, history: History) -> tuple[str, str]:
    """Return what is raised at a point: the place of its class and, if one was given, the exception itself."""
    for kind, error, packed in budget.errors:
        if kind == point.kind:
            return error, packed
    return (SQLALCHEMYS if is_sqlalchemys(point, history) else ERRORS[point.kind]), ""


def _deed(budget: RerunBudget) -> str:
    if isinstance(budget, CrashSweepBudget):
        return f"kill-{budget.kill}"
    if isinstance(budget, IdempotentBudget):
        return "again" if budget.ids == "same" else "double"
    return "raise"


def _swept(budget: RerunBudget, chosen: Plan, **fields: object) -> Sweep:
    return Sweep(
        marker=budget.marker,
        task=budget.task or listed(chosen.tasks, 1) or "any task",
        fault=_fault(budget),
        **fields,  # type: ignore[arg-type]
    )


def _fault(budget: RerunBudget) -> str:
    if isinstance(budget, IdempotentBudget):
        return "the same message delivered again" if budget.ids == "same" else "the same task published again"
    if not isinstance(budget, FaultSweepBudget):
        return f"SIGKILL of the {budget.kill}" if isinstance(budget, CrashSweepBudget) else "a fault"
    given = {kind: error for kind, error, _ in budget.errors}
    kinds: dict[str, list[str]] = {}
    for kind in budget.points:
        kinds.setdefault(given.get(kind, ERRORS[kind]).rpartition(":")[2], []).append(kind)
    return "; ".join(f"{error} ({', '.join(names)})" for error, names in kinds.items())


def _problem(
    budget: RerunBudget, reference: Reference, chosen: Plan, leeway: Leeway, left_alone: Collection[str], *, only: str
) -> tuple[str, tuple[str, ...]]:
    """Say why nothing can be tried, and what to do about it; empty if something can."""
    history = reference.first.found.history
    other = differences(comparable(reference.first.found), comparable(reference.second.found), leeway)
    if strange := _strange(budget, reference.first.found.state, left_alone):
        return strange, ("name in volatile= what the databases have: tables, or table.column",)
    if other:
        lines = "\n".join(other[:5])
        return f"two runs in which nothing went wrong left different rows:\n{lines}", (
            "make the test, or the task, do the same each time",
            'or name in volatile= what may be another: volatile=["table"] or volatile=["table.column"]',
        )
    if not chosen.all:
        seen = listed(dict.fromkeys(each.name for each in history.publications))
        told = f"seen in this test: {seen}" if seen else "no task was published while this test ran"
        return f"the task ran nowhere: {told}", ("publish it in the test, or name in task= what the test publishes",)
    for name in chosen.tasks:
        if name in reference.failing:
            return _always_fails(reference.failing[name]), (MEND,)
    # Another marker of the test may mean another task of it.
    known = any(target.id == only for target in (*targets_of(history, budget.task), *targets_of(history)))
    return ("", ()) if chosen.targets or known else _none_fits(budget, chosen, only)


def _always_fails(subject: Subject) -> str:
    told = [raised(error, subject) for error in errors_of(subject.lives)]
    return f"{subject.name} fails without any fault, so that to fail with one proves nothing: {listed(told, 1)}"


def _none_fits(budget: RerunBudget, chosen: Plan, only: str) -> tuple[str, tuple[str, ...]]:
    """Say that of the points none is wanted, and what to want."""
    points = listed((f"{target.id} ({target.point.kind})" for _, target in chosen.left_out), IDS_SHOWN)
    if only:
        return f"--celery-perf-point={only} is none of its {chosen.all} points: {points}", ("give one of these ids",)
    if isinstance(budget, FaultSweepBudget) and set(budget.points) == set(ERRORS):
        return f"the task does nothing that an error could meet; it has {chosen.all} points: {points}", (
            "celery_crash_sweep kills it at any of them; or leave the marker out",
        )
    return f"points={[*budget.points]} is none of its {chosen.all} points: {points}", (
        "give one of the kinds in brackets, or leave points= out",
    )


def _strange(budget: RerunBudget, state: State, left_alone: Collection[str]) -> str:
    """Say which table of ``volatile=`` there is not: at collection, only those that have a model are known."""
    known = [*(table.name for table in state.tables), *left_alone]
    for name in budget.volatile:
        table, _, _ = name.partition(".")
        if table not in known:
            return f"volatile={name!r}: there is no table {table!r}{did_you_mean(table, known)}"
    return ""


def _left_out(budget: RerunBudget, chosen: Plan, late: list[Target]) -> tuple[tuple[str, tuple[str, ...]], ...]:
    found: dict[str, list[str]] = {}
    for reason, target in chosen.left_out:
        found.setdefault(_told(reason, target, budget), []).append(target.id)
    for target in late:
        found.setdefault(f"budget={format_duration_s(budget.budget_s or 0)} was over", []).append(target.id)
    return tuple((reason, tuple(ids)) for reason, ids in found.items())


def _told(reason: str, target: Target, budget: RerunBudget) -> str:
    if reason == "point":
        return "--celery-perf-point"
    if reason != "points":
        return reason
    if isinstance(budget, IdempotentBudget):
        return "the same as in sequence" if target.point.kind in NO_WORK else _given(budget)
    if target.point.kind == "acknowledgment" and isinstance(budget, CrashSweepBudget) and budget.kill == "child":
        return 'only kill="worker" strikes in the main process'
    if isinstance(budget, FaultSweepBudget):
        return _given(budget) if target.point.kind in ERRORS else "no error there reaches the task"
    return _given(budget)


def _given(budget: RerunBudget) -> str:
    if isinstance(budget, IdempotentBudget) and not budget.at_once:
        return "at_once=False"
    return f"points={', '.join(budget.points)}"
