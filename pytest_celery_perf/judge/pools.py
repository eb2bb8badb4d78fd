"""Recommends a pool and its size for a task, and says what is wrong with others: all from what was measured."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from pathlib import Path

from pytest_celery_perf.model.frame import Frame
from pytest_celery_perf.model.metric import format_share
from pytest_celery_perf.model.pools import Advice, Kind, PoolPlan, PoolRun, TaskProfile
from pytest_celery_perf.model.record import TaskOptions
from pytest_celery_perf.model.units import format_duration_s

STUCK_S = 0.005
"""A greenlet that keeps the thread for longer without computing is felt by all others."""
STUCK_SHARE = 0.2
"""Of the runtime: what is less is not what the task waits for."""
SERIAL = 1.5
"""So few tasks at once, on average, are one after the other."""
SLOTS = 4
"""From so many slots on, that says something."""
NOTICEABLE_S = 0.01
"""A task that is shorter takes little more time than Celery takes for it, which no pool shortens."""
MOST = 1000
"""Slots: beyond that, what Celery does for each task keeps the worker busy."""
_PREFERRED = {
    Kind.COMPUTES: ("prefork", "solo"),
    Kind.WAITS: ("gevent", "threads", "prefork", "solo"),
    Kind.MIXED: ("prefork", "threads", "gevent", "solo"),
}
"""What a slot costs least in comes first; of threads and greenlets that compute, only one does at a time."""
_UNBOUNDED = {"soft_time_limit": ("threads", "gevent", "solo"), "time_limit": ("threads", "solo")}
"""The pools that enforce no such limit.

Source:
    Celery's user guide, "Time limits"; ``apply_timeout`` in celery/concurrency/gevent.py.
"""


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
    best = _best(profile, usable)
    if best is None:
        return Advice(plan=None, obstacles=obstacles)
    plan = PoolPlan(pool=best.plan.pool, concurrency=size_of(best.plan, profile, cores))
    reasons = (*_why_so_many(plan, profile, cores), *_measured(best, usable, profile))
    return Advice(plan=plan, reasons=reasons, obstacles=(*obstacles, *_limits(plan.pool, options)))


def _best(profile: TaskProfile, usable: Sequence[PoolRun]) -> PoolRun | None:
    """Choose the pool that suits such a task best, in the largest size that was tried."""
    order = _PREFERRED[profile.kind] if profile.kind is not None else ()
    fitting = [run for run in usable if run.plan.pool in order]
    return min(fitting, key=lambda run: (order.index(run.plan.pool), -run.plan.concurrency), default=None)


def suggest(profile: TaskProfile, cores: int, without: Collection[str] = ()) -> PoolPlan | None:
    """Name the pool that suits a task by what it does with its time, whatever it does there.

    Args:
        profile: What the task does undisturbed.
        cores: How many there are.
        without: Pools on which it was found not to do well.
    """
    if profile.kind is None:
        return None
    best = next(pool for pool in _PREFERRED[profile.kind] if pool not in without)
    return PoolPlan(pool=best, concurrency=size_of(PoolPlan(pool=best, concurrency=MOST), profile, cores))


def size_of(plan: PoolPlan, profile: TaskProfile, cores: int) -> int:
    """Return how many slots keep the cores busy; but no more than were tried, unless the task computes.

    Source:
        B. Goetz, "Java Concurrency in Practice" (2006), 8.2: cores · utilisation · (1 + wait time / compute time), of
        which the bracket is 1 / CPU share. Threads and greenlets of one worker have one core, by Python's global lock.
    """
    if plan.pool == "solo":
        return 1
    slots = max(1, round(_cores(plan.pool, cores) / _share(profile)))
    return slots if profile.kind is Kind.COMPUTES else min(slots, plan.concurrency)


def _cores(pool: str, cores: int) -> int:
    return cores if pool == "prefork" else 1


def _share(profile: TaskProfile) -> float:
    return min(1.0, max(profile.cpu_share or 0.0, 1 / MOST))


def _why_so_many(plan: PoolPlan, profile: TaskProfile, cores: int) -> Iterator[str]:
    share, usable = _share(profile), _cores(plan.pool, cores)
    core = "the core of one worker" if usable == 1 else f"{usable} cores"
    computes = f"it computes for {format_share(profile.cpu_share or 0.0)} of its runtime"
    if profile.kind is Kind.COMPUTES:
        yield f"{computes}: {plan.concurrency} of it keep {core} busy, and more would only take turns"
        return
    slots = round(usable / share)
    yield f"{computes}: about {slots}{' or more' if slots >= MOST else ''} of it at once keep {core} busy"
    if plan.concurrency < slots and plan.pool != "solo":
        yield f"{plan.concurrency} at once is the most that was tried"


def _measured(best: PoolRun, usable: Sequence[PoolRun], profile: TaskProfile) -> Iterator[str]:
    """Compare what was chosen with the best of the others."""
    others = [run for run in usable if run.plan.pool != best.plan.pool and run.throughput]
    second = max(others, key=lambda run: run.throughput or 0.0, default=None)
    if second is not None and second.throughput and best.throughput:
        ratio = best.throughput / second.throughput
        if ratio >= 1:
            yield f"{best.plan.label} did {ratio:.2g} times as many tasks a second as {second.plan.label}"
        else:
            why = _why_nevertheless(best.plan, second.plan, profile)
            yield f"{second.plan.label} did {1 / ratio:.2g} times as many tasks a second, but {why}"


def _why_nevertheless(best: PoolPlan, faster: PoolPlan, profile: TaskProfile) -> str:
    if faster.concurrency > best.concurrency:
        return f"in {faster.concurrency} slots instead of {best.concurrency}: try as many of {best.pool}"
    if faster.pool == "solo":
        return "solo does one at a time, whatever it waits for"
    if profile.kind is Kind.WAITS:
        return f"a slot of {best.pool} costs less, so that it can have more of them"
    return f"on {faster.pool} only one task computes at a time"


def obstacle(run: PoolRun, profile: TaskProfile, root: Path | None = None) -> str:
    """Say what is wrong with a pool; empty if nothing is.

    Args:
        run: What the task did there.
        profile: What it does undisturbed.
        root: The folder that paths are shown relative to.
    """
    if run.lack:
        return run.lack
    if run.failed:
        return f"{run.failed} of {run.tasks} tasks failed" + (f": {run.errors[0]}" if run.errors else "")
    if keeps_the_thread(run, profile):
        return (
            f"each task keeps the thread that all of them share for {format_duration_s(run.stuck_s or 0.0)} without "
            f"computing{_place(run.stuck_at, root)}: what it waits for there does not yield to gevent, so all others "
            "wait too"
        )
    return _undone(run) or _one_by_one(run, profile)


def keeps_the_thread(run: PoolRun, profile: TaskProfile) -> bool:
    """Tell whether a task keeps the one thread of a gevent worker while it waits.

    Args:
        run: What the task did there.
        profile: What it does undisturbed.
    """
    return run.stuck_s is not None and run.stuck_s > max(STUCK_S, STUCK_SHARE * profile.runtime_s)


def _undone(run: PoolRun) -> str:
    """Say what was not brought to an end on a pool; empty if all was."""
    logged = f"; the worker logged {run.logged[0]}" if run.logged else ""
    if run.unfinished:
        return f"{run.unfinished} of {run.tasks} tasks had not ended when the time was over{logged}"
    if run.unacknowledged:
        several = f"{run.unacknowledged} of {run.tasks} tasks"
        return f"{several} were not acknowledged, so that the broker will deliver them again{logged}"
    return ""


def _one_by_one(run: PoolRun, profile: TaskProfile) -> str:
    """Say that tasks that wait were run one after the other; empty if they were not."""
    slots, parallel = min(run.plan.concurrency, run.tasks), run.parallel
    waits = profile.kind is Kind.WAITS and profile.runtime_s >= NOTICEABLE_S
    if not waits or slots < SLOTS or parallel is None or parallel >= SERIAL:
        return ""
    return (
        f"of {slots} slots {parallel:.2g} work at once: each task waits for the one before, for a lock or a service "
        "that they share, or for C code that keeps Python's global lock"
    )


def _place(frame: Frame | None, root: Path | None) -> str:
    if frame is None:
        return ""
    path = Path(frame.path)
    if root is not None and path.is_relative_to(root):
        path = path.relative_to(root)
    return f" ({path}:{frame.line} {frame.function})"


def _limits(pool: str, options: TaskOptions | None) -> Iterator[str]:
    """Name the time limits that the task has, and that the pool does not enforce."""
    if options is None:
        return
    for name, limit_s in (("soft_time_limit", options.soft_time_limit_s), ("time_limit", options.time_limit_s)):
        if limit_s is not None and pool in _UNBOUNDED[name]:
            yield f"{pool}: the task's {name}={limit_s:g} is not enforced on this pool"
