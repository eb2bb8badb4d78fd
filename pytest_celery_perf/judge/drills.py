"""Judges ``celery_drill``: the emergency happened, the tasks survived it, and production would recover as fast."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from pytest_celery_perf.judge import visibility
from pytest_celery_perf.judge.crashes import GIVE_UP, UNBOUNDED, story
from pytest_celery_perf.judge.invariants import DEAD_WORKERS, Ordeal
from pytest_celery_perf.judge.production import wait_in_production
from pytest_celery_perf.judge.reliable import judge_task
from pytest_celery_perf.judge.subjects import Subject, judge_each, shortened
from pytest_celery_perf.measure.lives import Life
from pytest_celery_perf.measure.outcomes import TaskClass, classify
from pytest_celery_perf.model.drills import DRILLS
from pytest_celery_perf.model.faults import Fault
from pytest_celery_perf.model.history import History
from pytest_celery_perf.model.spec import DrillBudget
from pytest_celery_perf.model.units import NS_PER_S, format_duration_ns, format_duration_s
from pytest_celery_perf.model.verdict import Check, Verdict

MARKER = "celery_drill"

_STORIES_SHOWN = 3
_BY_TIMEOUT = ("long_task", "eta_beyond_visibility")
"""The drills that play something only where the visibility timeout would."""

_FOR_EVER = (
    "the broker delivers the message of a dead worker again whenever its visibility timeout has passed, without a "
    "bound, whatever the task's options: each time a worker is gone, with all that it runs"
)


def judge(budget: DrillBudget, history: History, root: Path | None = None) -> tuple[Verdict, ...]:
    """Judge what a drill did to the tasks of each name.

    What `celery_reliable` demands must hold, and besides that what the drill is about. Of a poison pill nobody expects
    that it succeeds: it must be given up.

    Args:
        budget: Which drill, and what is demanded.
        history: What happened.
        root: The folder that paths are shown relative to.
    """
    return judge_each(f"{MARKER}[{budget.drill}]", budget, history, root, _judge_task)


def _judge_task(budget: DrillBudget, subject: Subject) -> Verdict:
    happened = _happened(budget, subject)
    told = [f"{budget.drill}: {DRILLS[budget.drill].emergency}", *_remarks(budget, subject)]
    if not happened.ok and budget.drill not in _BY_TIMEOUT:
        return subject.verdict(
            (happened,), told, ["publish a task in the test that its workers run: the drill waits for one"]
        )
    if budget.drill == "poison_pill":
        return _judge_poison(budget, subject, happened, told)
    verdict = judge_task(budget, subject)
    checks = (happened, *_drained(budget, subject), *_unlimited(budget, subject), *_recovery(budget, subject))
    known = {check.metric for check in verdict.checks}
    added = tuple(check for check in checks if check.metric not in known)
    fix = [*verdict.fix, *_advice(subject, added)]
    return subject.verdict((*added, *verdict.checks), [*told, *verdict.evidence], fix)


def _happened(budget: DrillBudget, subject: Subject) -> Check:
    drill, ids = DRILLS[budget.drill], {life.task_id for life in subject.lives}
    times = sum(
        fault.kind in drill.faults and (fault.task_id is None or fault.task_id in ids)
        for fault in subject.history.faults
    )
    if budget.drill in _BY_TIMEOUT:
        allowed = budget.max_executions > 1
        return Check(
            metric=drill.played, budget="≥ 0×" if allowed else "= 0×", actual=f"{times}×", ok=allowed or not times
        )
    return Check(metric=drill.played, budget="≥ 1×", actual=f"{times}×", ok=times > 0)


def _drained(budget: DrillBudget, subject: Subject) -> Iterator[Check]:
    """Hold the longest warm shutdown against its grace period."""
    if budget.drill != "deploy":
        return
    faults = subject.history.faults
    stops = [fault for fault in faults if fault.kind == "stop-worker"]
    ends = {fault.boot: fault for fault in faults if fault.kind == "worker-ended"}
    killed = {fault.boot for fault in faults if fault.kind == "kill-worker"}
    drains_ns = [ends[stop.boot].at_ns - stop.at_ns for stop in stops if stop.boot in ends and stop.boot not in killed]
    over = sum(stop.boot in killed for stop in stops)
    yield Check(
        metric="drain",
        budget=f"≤ {format_duration_s(budget.grace_s)}, the grace period",
        actual=f"{over} killed after it" if over else format_duration_ns(max(drains_ns, default=0)),
        ok=not over,
    )


def _unlimited(budget: DrillBudget, subject: Subject) -> Iterator[Check]:
    """Hold against the visibility timeout what nothing ends before it."""
    limit_s, options = subject.history.visibility_timeout_s, subject.options
    if budget.drill != "long_task" or limit_s is None or options is None or not options.acks_late:
        return
    if options.time_limit_s is None:
        allowed = budget.max_executions > 1
        yield Check(metric=visibility.TIME_LIMIT, budget=visibility.budget_of(limit_s), actual="none", ok=allowed)


def _recovery(budget: DrillBudget, subject: Subject) -> Iterator[Check]:
    """Tell the longest time from a fault to the end of a task that it hit, here and in production."""
    ordeal = _ordeal(budget, subject)
    found = list(_given_up(ordeal)) if budget.drill == "poison_pill" else ordeal.recoveries_s()
    if not found:
        return
    known_s = [took_s for took_s, _ in found if took_s is not None]
    all_did = len(known_s) == len(found)
    wait = wait_in_production(subject.history, [life for _, life in found]) if all_did else "never"
    times = max(len(life.started) for _, life in found) - 1
    if times > 1 and wait.startswith("up to"):
        wait += f", {times} times"
    yield Check(
        metric="recovery measured",
        budget=f"in production {wait}",
        actual=format_duration_s(max(known_s)) if all_did else "never",
        ok=True,
    )


def _given_up(ordeal: Ordeal) -> Iterator[tuple[float | None, Life]]:
    """Yield the same for tasks that end by being given up: with the acknowledgment of what killed its process."""
    for each in ordeal.classified:
        blows, left_ns = ordeal.blows(each.life), [run.acknowledged_ns for run in each.life.started]
        if blows and left_ns:
            took_s = None if left_ns[-1] is None else max(0, left_ns[-1] - blows[0].at_ns) / NS_PER_S
            yield took_s, each.life


def _remarks(budget: DrillBudget, subject: Subject) -> Iterator[str]:
    faults, options = subject.history.faults, subject.options
    if pools := _childless(budget, subject):
        yield f"the pool {pools} runs tasks in no child process: it is the whole worker that dies"
    if budget.drill == "worker_oom" and not any(fault.kind == "exhaust-memory" for fault in faults):
        yield (
            "SIGKILL, as by the kernel's OOM killer: these workers' memory has no limit. With "
            'celery_worker(runtime="container", memory=…) the kernel does it'
        )
    if budget.drill == "long_task" and options is not None and not options.acks_late:
        yield "acks_late=False: its message is acknowledged when it begins, so that no visibility timeout can pass"


def _advice(subject: Subject, checks: tuple[Check, ...]) -> Iterator[str]:
    broken = {check.metric for check in checks if not check.ok}
    if "drain" in broken:
        yield (
            "give the workers a longer grace period (terminationGracePeriodSeconds, stop_grace_period, TimeoutStopSec) "
            "or end the task sooner: split it, or give it a time_limit below the grace period"
        )
    if visibility.TIME_LIMIT in broken:
        yield (
            f"set time_limit= below the visibility timeout in {subject.decorator}, or raise visibility_timeout in "
            "broker_transport_options above the longest run; an idempotent task that takes a lock may have "
            "celery_drill(max_executions=2, overlap=True)"
        )


def _judge_poison(budget: DrillBudget, subject: Subject, happened: Check, told: list[str]) -> Verdict:
    """Judge whether a task that kills each process is given up before it has killed too many."""
    ordeal = _ordeal(budget, subject)
    deaths = Counter(fault.task_id for fault in subject.history.faults if fault.kind == "kill-child")
    most = max((deaths[life.task_id] for life in subject.lives), default=0)
    absent = {
        "stranded": len(ordeal.of(TaskClass.STRANDED)),
        "left in unacked": len(subject.history.stuck_unacked),
        DEAD_WORKERS: sum(fault.kind == "worker-died" for fault in subject.history.faults),
    }
    checks = [
        happened,
        Check(
            metric="killed by one task",
            budget=f"≤ {budget.max_executions}",
            actual=f"{most}" if most <= budget.max_executions else f"{most}, and it went on",
            ok=most <= budget.max_executions,
        ),
        *(Check(metric=metric, budget="= 0", actual=f"{number}", ok=not number) for metric, number in absent.items()),
        *(_recovery(budget, subject) if most <= budget.max_executions else ()),
    ]
    stories = shortened(
        ordeal.classified,
        lambda each: story(each.task_class.upper(), each.life, _events(ordeal.blows(each.life)), subject),
        _STORIES_SHOWN,
    )
    fix = [_FOR_EVER, GIVE_UP] if _childless(budget, subject) else [UNBOUNDED, f"or {GIVE_UP}"]
    if budget.at == "started":
        fix.append('at="started" comes before the task can look: play the drill at="query:1", or later, to prove that')
    return subject.verdict(checks, [*told, *stories], fix)


def _childless(budget: DrillBudget, subject: Subject) -> str:
    """Return the pools that have no child which a drill could kill; empty if it kills none, or they have."""
    pools = {each.pool for life in subject.lives for each in life.started if each.pool != "prefork"}
    return " and ".join(sorted(filter(None, pools))) if "kill-child" in DRILLS[budget.drill].faults else ""


def _events(blows: list[Fault]) -> list[tuple[int, str]]:
    return [(blow.at_ns, f"{blow.kind} at {blow.point}") for blow in blows]


def _ordeal(budget: DrillBudget, subject: Subject) -> Ordeal:
    classified = tuple(each for each in classify(subject.history) if each.life.name == subject.name)
    return Ordeal(budget=budget, subject=subject, classified=classified)
