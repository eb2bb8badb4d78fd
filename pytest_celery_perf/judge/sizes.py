"""Says how many slots of a pool suit a task: a number that was tried, or one that follows from what was measured."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from pytest_celery_perf.model.metric import format_count, format_share
from pytest_celery_perf.model.pools import Kind, PoolPlan, PoolRun, TaskProfile
from pytest_celery_perf.model.units import format_duration_s

NEAR = 0.9
"""Of the most tasks a second: of two runs of the same, one may do as little less."""
AMPLE = 2
"""Times as many slots as keep the cores busy: a slot is also idle, between one task and the next."""
MOST = 1000
"""Slots: a number that is only computed is not believed beyond that."""
STUCK_S = 0.001
"""For so long nobody is seen to keep gevent's thread who does not: a task that only sleeps shows microseconds."""
STOLEN = 0.25
"""Of the time for which a task computes: as much may be taken by another virtual machine, which looks no different."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """A pool and its size, and why it is that."""

    plan: PoolPlan
    reasons: tuple[str, ...]


def best_of(runs: Sequence[PoolRun], profile: TaskProfile, cores: int) -> PoolRun:
    """Return the smallest of some sizes of a pool that did about as many tasks a second as the best of them.

    Args:
        runs: All of one pool, each with its throughput; one at least.
        profile: What the task does undisturbed.
        cores: How many there are.
    """
    sizes: list[PoolRun] = []
    for run in sorted(runs, key=lambda each: each.plan.concurrency):
        sizes.append(run)
        needed = enough(run, profile, cores)
        if needed is not None and run.plan.concurrency >= AMPLE * needed:
            break  # whatever larger ones did more was the machine's doing, which had more time for them
    most = max(run.throughput or 0.0 for run in sizes)
    return next(run for run in sizes if (run.throughput or 0.0) >= NEAR * most)


def enough(run: PoolRun, profile: TaskProfile, cores: int) -> int | None:
    """Return how many slots of a pool keep its cores busy, what Celery does for each task included.

    Args:
        run: What the task did on the pool, in any size.
        profile: What it does undisturbed.
        cores: How many there are.

    Returns:
        The number; None if the worker's CPU time is unknown.

    Source:
        B. Goetz, "Java Concurrency in Practice" (2006), 8.2: cores · utilisation · (1 + wait time / compute time).
        Threads and greenlets of one worker have one core, by Python's global lock. Who keeps gevent's thread without
        computing keeps that core from the others, too.
    """
    if run.plan.pool == "solo":
        return 1
    if run.worker_cpu_s is None or profile.cpu_share is None:
        return None
    stuck_s = stuck(run)
    waits_s = max(0.0, profile.runtime_s * (1 - profile.cpu_share) - stuck_s)
    return _slots(_cores(run.plan.pool, cores), waits_s, run.worker_cpu_s + stuck_s)


def enough_untried(pool: str, profile: TaskProfile, cores: int) -> int | None:
    """Return the same for a task that was not tried on a pool.

    Args:
        pool: Which one.
        profile: What the task does undisturbed.
        cores: How many there are.

    Returns:
        The number; None if what Celery does for the task may decide it, because the task itself does not compute much.
    """
    if profile.kind is not Kind.COMPUTES:
        return None
    computes_s = profile.runtime_s * (profile.cpu_share or 0.0)
    return _slots(_cores(pool, cores), max(0.0, profile.runtime_s - computes_s), computes_s)


def _slots(cores: int, waits_s: float, computes_s: float) -> int:
    return min(MOST, max(1, round(cores * (1 + waits_s / computes_s)))) if computes_s > 0 else MOST


def _cores(pool: str, cores: int) -> int:
    return cores if pool == "prefork" else 1


def stuck(run: PoolRun) -> float:
    """Return for how many seconds a task keeps the thread of a gevent worker without computing; 0 if that is noise."""
    noise_s = max(STUCK_S, STOLEN * (run.cpu_s or 0.0))
    return run.stuck_s if run.stuck_s is not None and run.stuck_s >= noise_s else 0.0


def attainable(run: PoolRun, runs: Sequence[PoolRun], profile: TaskProfile, cores: int) -> float:
    """Return how many tasks a second a pool could do at most, with as many slots as keep its cores busy.

    Args:
        run: The best size of its pool.
        runs: All that was tried: if more slots were, they did not do more.
        profile: See `enough`, as of the others.
        cores: How many there are.

    Returns:
        The rate; infinite if nobody knows.
    """
    done, needed = run.throughput or 0.0, enough(run, profile, cores)
    if larger(run, runs):
        return done
    return math.inf if needed is None else done * max(1.0, needed / run.plan.concurrency)


def size_of(run: PoolRun, runs: Sequence[PoolRun], profile: TaskProfile, cores: int) -> Size:
    """Return how large a pool should be.

    Args:
        run: The best size of it that was tried.
        runs: All that was tried: no size is recommended beyond one that was found to be worse.
        profile: See `enough`, as of the others.
        cores: How many there are.
    """
    tried, needed = run.plan.concurrency, enough(run, profile, cores)
    size = tried if needed is None else needed
    if smaller(run, runs):
        size = max(size, tried)
    if larger(run, runs) or profile.kind is not Kind.COMPUTES:
        size = min(size, tried)
    plan = PoolPlan(pool=run.plan.pool, concurrency=size)
    return Size(plan=plan, reasons=tuple(_why(plan, run, runs, profile, cores)))


def _why(plan: PoolPlan, run: PoolRun, runs: Sequence[PoolRun], profile: TaskProfile, cores: int) -> Iterator[str]:
    needed = enough(run, profile, cores)
    if needed is not None and plan.pool != "solo":
        yield why_enough(run, profile, cores)
    if others := [each for each in runs if each.plan.pool == plan.pool and each.plan != run.plan and each.throughput]:
        told = ", ".join(f"{each.plan.label} did {format_count(each.throughput or 0.0)}" for each in others)
        yield f"{run.plan.label} did {format_count(run.throughput or 0.0)} tasks a second, {told}"
        if any((run.throughput or 0.0) < NEAR * (each.throughput or 0.0) for each in larger(run, runs)):
            yield "what more slots did beyond that is no merit of theirs: see below, or run it again on an idle machine"
    if plan != run.plan:
        yield f"{plan.label} follows from {run.plan.label}, and was not tried itself"
    elif attainable(run, runs, profile, cores) > (run.throughput or 0.0):
        yield f"{plan.concurrency} at once is the most that was tried"


def why_enough(run: PoolRun, profile: TaskProfile, cores: int) -> str:
    """Say how many of a task keep the cores busy, and why; what Celery does for it is known.

    Args:
        run: See `enough`, as of the others.
        profile: What the task does undisturbed.
        cores: How many there are.
    """
    usable = _cores(run.plan.pool, cores)
    core = "the core of one worker" if usable == 1 else f"{usable} cores"
    needed = enough(run, profile, cores) or 1
    if profile.kind is Kind.COMPUTES:
        computes = f"it computes for {format_share(profile.cpu_share or 0.0)} of its runtime"
        return f"{computes}: {needed} of it keep {core} busy, and more would only take turns"
    takes = f"takes a worker {format_duration_s(run.worker_cpu_s or 0.0)} of CPU time, Celery's own work included"
    keeps = f", and keeps its thread for another {format_duration_s(stuck(run))}" if stuck(run) else ""
    least = f"{needed} or more" if needed >= MOST else str(needed)
    return f"each {takes}{keeps}: about {least} of it at once keep {core} busy"


def larger(run: PoolRun, runs: Sequence[PoolRun]) -> list[PoolRun]:
    """Return those runs that were on more slots of the same pool."""
    return [each for each in runs if each.plan.pool == run.plan.pool and each.plan.concurrency > run.plan.concurrency]


def smaller(run: PoolRun, runs: Sequence[PoolRun]) -> list[PoolRun]:
    """Return those runs that were on fewer slots of the same pool."""
    return [each for each in runs if each.plan.pool == run.plan.pool and each.plan.concurrency < run.plan.concurrency]
