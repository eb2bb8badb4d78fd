"""Judges ``celery_isolation``: whether a backlog of some tasks keeps others waiting, and why."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from pytest_celery_perf.errors import NotEnoughSamplesError
from pytest_celery_perf.judge.bottleneck import hoarded_s
from pytest_celery_perf.judge.order import REDIS_ORDER
from pytest_celery_perf.judge.phrases import join
from pytest_celery_perf.judge.subjects import Subject, fates, nothing_to_judge, shortened
from pytest_celery_perf.measure.distribution import SAMPLES_NEEDED, Distribution
from pytest_celery_perf.measure.isolation import Rivals, Wait
from pytest_celery_perf.measure.workers import WorkerFigures, workers_of
from pytest_celery_perf.model.history import History
from pytest_celery_perf.model.rates import IsolationBudget
from pytest_celery_perf.model.record import Execution, Publication
from pytest_celery_perf.model.units import NS_PER_S, format_duration_s
from pytest_celery_perf.model.verdict import Check, Verdict

MARKER = "celery_isolation"

_SLOWEST_SHOWN = 3
_NO_BACKLOG = "publish the flood first, more of it than there are slots, and the victims while it waits"


def judge(budget: IsolationBudget, history: History, root: Path | None = None) -> tuple[Verdict, ...]:
    """Judge the waits of the victims.

    Args:
        budget: Who is who, and the limits.
        history: What happened.
        root: The folder that paths are shown relative to.
    """
    rivals = Rivals.of(budget.flood, budget.victim, history)
    for name, tasks in ((budget.flood, rivals.flood), (budget.victim, rivals.victims)):
        if not tasks:
            return (nothing_to_judge(MARKER, name, history),)
    names = f"{_short(budget.victim)} beside {_short(budget.flood)}"
    subject = Subject(marker=MARKER, name=names, lives=rivals.victims, history=history, root=root)
    if not rivals.comparable:
        reason = "the clocks of the publisher and the workers cannot be compared: who waited when is unknown"
        return (subject.verdict((), (reason,), inconclusive=True),)
    return (_judge(budget, subject, rivals),)


def _judge(budget: IsolationBudget, subject: Subject, rivals: Rivals) -> Verdict:
    waits = rivals.waits()
    beside = sorted((each for each in waits if each.beside_flood), key=lambda each: each.wait_s, reverse=True)
    alone = [each for each in waits if not each.beside_flood]
    never = sum(each.execution is None for each in waits)
    checks = [Check(metric="never started", budget="= 0", actual=f"{never}", ok=False)] if never else []
    if not any(each.beside_backlog for each in waits):
        checks.append(Check(metric="backlog", budget="waits beside the victims", actual="none did", ok=False))
        return subject.verdict(checks, (_overview(budget, beside, alone, rivals),), (_NO_BACKLOG,))
    judged, lack = _checks(budget, beside, alone)
    checks += judged
    evidence = [
        _overview(budget, beside, alone, rivals),
        *shortened(beside, lambda each: _told(each, budget, subject), _SLOWEST_SHOWN),
        *([fates(subject), *subject.history.diagnosis.splitlines()] if never else []),
    ]
    failing = not all(check.ok for check in checks)
    return subject.verdict(checks, evidence, [*lack, *_causes(budget, beside, rivals)] if failing else ())


def _checks(budget: IsolationBudget, beside: Sequence[Wait], alone: Sequence[Wait]) -> tuple[list[Check], list[str]]:
    """Compare the figures with their limits; second comes what lacks for that."""
    checks: list[Check] = []
    if budget.behind is not None:
        most = max(each.behind for each in beside)
        actual = f"{most} of {_short(budget.flood)}"
        ok = most <= budget.behind
        checks.append(Check(metric="waited behind", budget=f"≤ {budget.behind}", actual=actual, ok=ok))
    if budget.wait_s is not None:
        longest_s = max(each.wait_s for each in beside)
        limit = f"≤ {format_duration_s(budget.wait_s)}"
        ok = longest_s <= budget.wait_s
        checks.append(Check(metric="longest time in queue", budget=limit, actual=format_duration_s(longest_s), ok=ok))
    if budget.factor is None:
        return checks, []
    metric = "median time in queue"
    try:
        without_s, with_s = _distribution(alone, "without the flood").p50, _distribution(beside, "beside it").p50
    except NotEnoughSamplesError as lack:
        limit = f"≤ {budget.factor:g}× that without the flood"
        return [*checks, Check(metric=metric, budget=limit, actual="unknown", ok=False)], [str(lack)]
    times = with_s / without_s if without_s else float("inf")
    limit = f"≤ {budget.factor:g}× the {format_duration_s(without_s)} without the flood"
    actual = f"{format_duration_s(with_s)}, {times:.3g}×"
    return [*checks, Check(metric=metric, budget=limit, actual=actual, ok=times <= budget.factor)], []


def _distribution(waits: Sequence[Wait], where: str) -> Distribution:
    samples = (round(each.wait_s * NS_PER_S) for each in waits)
    return Distribution.from_samples(samples, f"time in queue of the victims {where}")


def _overview(budget: IsolationBudget, beside: Sequence[Wait], alone: Sequence[Wait], rivals: Rivals) -> str:
    told = [
        f"{where} {len(waits)} of {_short(budget.victim)} ({_figures(waits)})"
        for where, waits in (("beside it", beside), ("without it", alone))
        if waits
    ]
    return f"flood: {len(rivals.flood)} of {_short(budget.flood)}, up to {rivals.backlog.max} waited; {', '.join(told)}"


def _figures(waits: Sequence[Wait]) -> str:
    distribution = _distribution(waits, "")
    median = f"p50 {format_duration_s(distribution.p50)}, " if distribution.count >= SAMPLES_NEEDED[50] else ""
    return f"in queue: {median}max {format_duration_s(distribution.max)}"


def _told(wait: Wait, budget: IsolationBudget, subject: Subject) -> str:
    """Describe the wait of one victim."""
    if wait.execution is None:
        return f"{wait.life.label} never started, published {subject.clock(wait.ready_ns)}"
    memory = f", of it {format_duration_s(wait.prefetched_s)} in the memory of" if wait.prefetched_s else " for"
    front = f"; {wait.behind} of {_short(budget.flood)} had its slots for {format_duration_s(wait.blocked_s)}"
    at = wait.execution.worker
    return f"{wait.life.label} waited {format_duration_s(wait.wait_s)}{memory} {at}{front if wait.behind else ''}"


def _causes(budget: IsolationBudget, beside: Sequence[Wait], rivals: Rivals) -> Iterator[str]:
    """Name what keeps the victims waiting, at each worker where they do."""
    blocked: dict[str, list[Wait]] = {}
    for wait in beside:
        if wait.worker is not None and wait.behind:
            blocked.setdefault(wait.worker.info.boot, []).append(wait)
    if not blocked:
        yield _elsewhere(beside)
    for waits in blocked.values():
        worker = waits[0].worker
        if worker is not None:
            yield from _at_worker(budget, worker, waits, rivals)


def _at_worker(budget: IsolationBudget, worker: WorkerFigures, waits: list[Wait], rivals: Rivals) -> Iterator[str]:
    flood, victim = _short(budget.flood), _short(budget.victim)
    flooding = [each for life in rivals.flood for each in life.started if each.boot == worker.info.boot]
    theirs, ours = _queues(flooding), _queues([wait.life.publications[0] for wait in waits])
    slots = worker.info.concurrency
    full = f"no free slot: {flood} had all {slots} of {worker.name}" if slots != 1 else f"{worker.name} has one slot"
    if shared := theirs & ours:
        yield (
            f"{full}; both go to queue {join(sorted(shared))}: route {victim} to a queue of its own (task_routes), "
            "which a worker of its own consumes (-Q)"
        )
        yield from _priorities(budget, flooding, waits)
    else:
        queues = join(sorted(ours))
        yield (
            f"{full}; it consumes both {join(sorted(theirs))} and {queues}: leave {queues} to a worker of its own "
            f"(-Q {','.join(sorted(ours))}), so that {flood} cannot take its slots"
        )
    if overtaken := max(wait.overtaken for wait in waits):
        free = _free_beside(worker, waits, rivals)
        idle = f" while {join(free)} had free slots" if free else ""
        yield (
            f"{worker.name} prefetched {victim} and kept it in memory while it began {overtaken} of {flood}{idle}: "
            "prefetch=1 (worker_prefetch_multiplier = 1) with acks_late=True takes only what it can run"
        )


def _priorities(budget: IsolationBudget, flooding: list[Execution], waits: list[Wait]) -> Iterator[str]:
    mine = {wait.life.publications[0].priority or 0 for wait in waits}
    other = {each.priority or 0 for each in flooding}
    if min(other) <= max(mine):
        numbers = f"{_short(budget.victim)} has {max(mine)}, {_short(budget.flood)} has {min(other)}"
        yield f"or give it a lower priority number than the flood has: {numbers}. {REDIS_ORDER}"


def _free_beside(worker: WorkerFigures, waits: list[Wait], rivals: Rivals) -> list[str]:
    window = (min(wait.ready_ns for wait in waits), max(wait.until_ns for wait in waits))
    others = (each for each in workers_of(rivals.history) if not set(each.info.queues).isdisjoint(worker.info.queues))
    return [each.name for each in others if hoarded_s(worker, each, window) > 0]


def _elsewhere(beside: Sequence[Wait]) -> str:
    workers = {wait.worker.name: wait.worker for wait in beside if wait.worker is not None}
    full = [each.name for each in workers.values() if each.active.max >= (each.info.concurrency or 0)]
    if full:
        return f"no task of the flood was in their way: the slots of {join(full)} were full of others, raise -c"
    return (
        "no task of the flood was in their way, and slots were free: what they share is outside of the workers, such "
        "as the CPU, the database or the broker"
    )


def _queues(messages: Sequence[Execution | Publication]) -> set[str]:
    return {each.queue for each in messages if each.queue is not None}


def _short(name: str) -> str:
    return name.rpartition(".")[2]
