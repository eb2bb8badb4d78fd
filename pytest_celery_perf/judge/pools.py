"""Recommends a pool and its size for a task: all from what was measured."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from pathlib import Path

from pytest_celery_perf.judge.obstacles import limits, obstacle
from pytest_celery_perf.judge.sizes import (
    NEAR,
    attainable,
    best_of,
    enough,
    enough_untried,
    larger,
    size_of,
    why_enough,
)
from pytest_celery_perf.model.pools import Advice, Fit, Kind, PoolPlan, PoolRun, TaskProfile
from pytest_celery_perf.model.record import TaskOptions

_PREFERRED = {
    Kind.COMPUTES: ("prefork", "solo"),
    Kind.WAITS: ("gevent", "threads", "prefork", "solo"),
    Kind.MIXED: ("prefork", "threads", "gevent", "solo"),
}
"""What a slot costs least in comes first; of threads and greenlets that compute, only one does at a time."""


def advise(
    profile: TaskProfile,
    runs: Sequence[PoolRun],
    cores: int,
    options: TaskOptions | None = None,
    root: Path | None = None,
) -> Advice:
    """Recommend a pool for a task.

    Args:
        profile: What the task does undisturbed.
        runs: What it did on pools.
        cores: How many there are.
        options: The task's; None if unknown.
        root: The folder that paths are shown relative to.
    """
    told = [(run, obstacle(run, profile, root)) for run in runs]
    obstacles = tuple(f"{run.plan.label}: {text}" for run, text in told if text)
    usable = [run for run, text in told if not text and run.throughput is not None]
    fitting = _fitting(profile, usable, cores)
    if not fitting:
        return Advice(plan=None, obstacles=obstacles)
    best = _best(fitting, runs, profile, cores)
    size = size_of(best, runs, profile, cores)
    reasons = [*size.reasons, *_measured(best, usable, runs, profile, cores)]
    if best is not fitting[0]:
        reasons.append(_why_no_more(fitting[0], runs, profile, cores))
    return Advice(plan=size.plan, reasons=tuple(reasons), obstacles=(*obstacles, *limits(size.plan.pool, options)))


def _fitting(profile: TaskProfile, usable: Sequence[PoolRun], cores: int) -> list[PoolRun]:
    """Return the best size of each pool that suits such a task; what suits it best comes first."""
    order = _PREFERRED[profile.kind] if profile.kind is not None else ()
    sizes = ([run for run in usable if run.plan.pool == pool] for pool in order)
    return [best_of(each, profile, cores) for each in sizes if each]


def _best(fitting: Sequence[PoolRun], runs: Sequence[PoolRun], profile: TaskProfile, cores: int) -> PoolRun:
    """Choose the pool that suits such a task; but if not even more of its cheap slots do as much as another, that."""
    first = fitting[0]
    if profile.kind is not Kind.WAITS:  # then cheap slots are not the reason
        return first
    fastest = max((run for run in fitting if run.plan.pool != "solo"), key=_rate, default=first)
    return fastest if NEAR * _rate(fastest) > attainable(first, runs, profile, cores) else first


def _rate(run: PoolRun) -> float:
    return run.throughput or 0.0


def suggest(
    profile: TaskProfile, cores: int, tried: Sequence[PoolRun] = (), without: Collection[str] = ()
) -> Fit | None:
    """Name the pool that suits a task by what it does with its time, whatever it does there.

    Args:
        profile: What the task does undisturbed.
        cores: How many there are.
        tried: What it did on pools: from that follows their size, if Celery's own work is known.
        without: Pools on which it was found not to do well.
    """
    if profile.kind is None:
        return None
    best = next(pool for pool in _PREFERRED[profile.kind] if pool not in without)
    sizes = (enough(run, profile, cores) for run in tried if run.plan.pool == best)
    size = next((each for each in sizes if each is not None), None)
    return Fit(pool=best, concurrency=size or enough_untried(best, profile, cores))


def _measured(
    best: PoolRun, usable: Sequence[PoolRun], runs: Sequence[PoolRun], profile: TaskProfile, cores: int
) -> Iterator[str]:
    """Compare what was chosen with the best of the others."""
    second = max((run for run in usable if run.plan.pool != best.plan.pool), key=_rate, default=None)
    if second is None or not _rate(second) or not _rate(best):
        return
    ratio = _rate(best) / _rate(second)
    if ratio >= 1:
        yield f"{best.plan.label} did {ratio:.2g} times as many tasks a second as {second.plan.label}"
    elif ratio >= NEAR:
        yield f"{second.plan.label} did hardly more tasks a second than {best.plan.label}"
    else:
        needs_more = attainable(best, runs, profile, cores) >= NEAR * _rate(second)
        why = _why_nevertheless(best.plan, second.plan, profile, needs_more=needs_more)
        yield f"{second.plan.label} did {1 / ratio:.2g} times as many tasks a second, but {why}"


def _why_nevertheless(best: PoolPlan, faster: PoolPlan, profile: TaskProfile, *, needs_more: bool) -> str:
    if needs_more and faster.concurrency > best.concurrency:
        return f"in {faster.concurrency} slots instead of {best.concurrency}: try as many of {best.pool}"
    if faster.pool == "solo":
        return "solo does one at a time, whatever it waits for"
    if profile.kind is Kind.WAITS:
        return f"a slot of {best.pool} costs less, so that it can have more of them"
    return f"on {faster.pool} only one task computes at a time"


def _why_no_more(run: PoolRun, runs: Sequence[PoolRun], profile: TaskProfile, cores: int) -> str:
    """Say why a pool whose slots cost less is not recommended."""
    more = f"{run.plan.label} did less, and more slots of {run.plan.pool}"
    if larger(run, runs):
        return f"{more} did no better"
    return f"{more} would not make up for it: {why_enough(run, profile, cores)}"
