"""Judges the faults that messages carry: what was to go wrong did."""

from __future__ import annotations

from pathlib import Path

from pytest_celery_perf.judge.subjects import listed, nothing_to_judge
from pytest_celery_perf.measure.lives import Life, lives
from pytest_celery_perf.measure.queries import body_queries
from pytest_celery_perf.model.faults import FAULT_KINDS
from pytest_celery_perf.model.history import History
from pytest_celery_perf.model.orders import FailBudget, FaultBudget, OrderBudget
from pytest_celery_perf.model.verdict import Check, Status, Verdict

_FAIL = "celery_perf.fail"
_NOT_BEGUN = "call celery_perf.fail before the task is published: the order goes with its message"


def judge(budget: FaultBudget, history: History, root: Path | None = None) -> tuple[Verdict, ...]:  # noqa: ARG001
    """Judge whether a fault happened as often as it was ordered; what became of the tasks, other markers judge.

    Args:
        budget: The fault.
        history: What happened.
        root: Not needed.
    """
    hit = [life for life in lives(history) if budget.task in (None, life.name)]
    if not hit:
        return (nothing_to_judge(budget.ordered_by, budget.task, history),)
    struck = _struck(budget, hit, history)
    check = Check(
        metric=f"{budget.kind} at {budget.at}",
        budget=f"= {budget.times}×",
        actual=f"{struck}×",
        ok=struck == budget.times,
    )
    return (
        Verdict(
            marker=budget.ordered_by,
            task=budget.task or "any task",
            status=Status.PASS if check.ok else Status.FAIL,
            checks=(check,),
            evidence=() if check.ok else (_how_far(budget, hit), *history.diagnosis.splitlines()),
            fix=() if check.ok else (_unlimited(budget, hit, history) or _advice(budget, hit),),
        ),
    )


def judge_failures(budget: FailBudget, history: History, root: Path | None = None) -> tuple[Verdict, ...]:  # noqa: ARG001
    """Judge whether a task was made to raise as often as that was ordered.

    Args:
        budget: The task, and how often.
        history: What happened.
        root: Not needed.
    """
    hit = [life for life in lives(history) if budget.task in (None, life.name)]
    if not hit:
        return (nothing_to_judge(_FAIL, budget.task, history),)
    struck = _struck(budget, hit, history)
    ok = struck == budget.times
    advice = f"publish it more often, have it retry, or say times={struck}" if struck else _NOT_BEGUN
    return (
        Verdict(
            marker=_FAIL,
            task=budget.task or "any task",
            status=Status.PASS if ok else Status.FAIL,
            checks=(Check(metric="raised", budget=f"= {budget.times}×", actual=f"{struck}×", ok=ok),),
            evidence=() if ok else (_begun(hit), *history.diagnosis.splitlines()),
            fix=() if ok else (advice,),
        ),
    )


def _struck(budget: OrderBudget, hit: list[Life], history: History) -> int:
    """Count how often an order struck."""
    ids = {life.task_id for life in hit}
    # Of executions that are numbered, the point tells the number, too.
    points = ((fault.kind, fault.point.partition(" ")[0]) for fault in history.faults if fault.task_id in ids)
    return sum(point == budget.recorded for point in points)


def _how_far(budget: FaultBudget, hit: list[Life]) -> str:
    made = f", with {_most_queries(hit)} queries at most" if budget.at.startswith("query:") else ""
    return f"{_begun(hit)}{made}"


def _begun(hit: list[Life]) -> str:
    received = sum(len(life.executions) for life in hit)
    started = sum(len(life.started) for life in hit)
    return f"of {len(hit)} task{'s' * (len(hit) != 1)}, executions were received {received}× and begun {started}×"


def _unlimited(budget: FaultBudget, hit: list[Life], history: History) -> str:
    """Say which tasks a time limit has spared, since they have none."""
    known = FAULT_KINDS[budget.kind]
    if known.record != "time-limit":
        return ""
    # One that was struck may have its limit from its call, or from its worker's options.
    struck = {fault.task_id for fault in history.faults if fault.kind == known.record}
    names = {life.name for life in hit} - {life.name for life in hit if life.task_id in struck}
    tasks = (history.tasks[name] for name in sorted(names & history.tasks.keys()))
    without = [each.name for each in tasks if (each.soft_time_limit_s if known.soft else each.time_limit_s) is None]
    limit = f"set {budget.kind}=, or task_{budget.kind}"
    return f"no {budget.kind} ends {listed(without)} in production when it hangs: {limit}" if without else ""


def _advice(budget: FaultBudget, hit: list[Life]) -> str:
    queries = _most_queries(hit)
    if budget.at.startswith("query:"):
        return f"at='query:{queries}' is the last query that it makes" if queries else "use at='started'"
    return f"publish it {budget.times}× or more, or say times= how often it really comes there"


def _most_queries(hit: list[Life]) -> int:
    return max((body_queries(execution) for life in hit for execution in life.started), default=0)
