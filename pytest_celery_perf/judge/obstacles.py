"""Says what speaks against a pool for a task, from what was measured there."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from pytest_celery_perf.judge.sizes import stuck
from pytest_celery_perf.judge.subjects import place_of
from pytest_celery_perf.model.frame import Frame
from pytest_celery_perf.model.pools import Kind, PoolRun, TaskProfile
from pytest_celery_perf.model.record import TaskOptions
from pytest_celery_perf.model.units import format_duration_s

SERIAL = 1.5
"""So few tasks at once, on average, are one after the other."""
SLOTS = 4
"""From so many slots on, that says something."""
NOTICEABLE_S = 0.01
"""A task that is shorter takes little more time than Celery takes for it, which no pool shortens."""
_UNBOUNDED = {"soft_time_limit": ("threads", "gevent", "solo"), "time_limit": ("threads", "solo")}
"""The pools that enforce no such limit.

Source:
    Celery's user guide, "Time limits"; ``apply_timeout`` in celery/concurrency/gevent.py.
"""


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
        why = run.errors or run.logged
        return f"{run.failed} of {run.tasks} tasks failed" + (f": {why[0]}" if why else "")
    if keeps_the_thread(run, profile):
        stuck_s = stuck(run)
        return (
            f"each task keeps the thread that all of them share for {format_duration_s(stuck_s)} without "
            f"computing{_place(run.stuck_at, root)}: what it waits for there does not yield to gevent, so all others "
            f"wait too, and no more than {max(1, int(profile.runtime_s / stuck_s))} are done at once"
        )
    return _undone(run) or _one_by_one(run, profile)


def keeps_the_thread(run: PoolRun, profile: TaskProfile) -> bool:
    """Tell whether tasks keep the one thread of a gevent worker, while they wait, for longer than there is time.

    Args:
        run: What the task did there.
        profile: What it does undisturbed: while it runs, each other slot needs the thread once.
    """
    return stuck(run) * run.plan.concurrency > profile.runtime_s


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
    return "" if frame is None else f" ({place_of(frame, root)} {frame.function})"


def limits(pool: str, options: TaskOptions | None) -> Iterator[str]:
    """Name the time limits that a task has, and that a pool does not enforce.

    Args:
        pool: Its kind.
        options: The task's; None if unknown.
    """
    if options is None:
        return
    for name, limit_s in (("soft_time_limit", options.soft_time_limit_s), ("time_limit", options.time_limit_s)):
        if limit_s is not None and pool in _UNBOUNDED[name]:
            yield f"{pool}: the task's {name}={limit_s:g} is not enforced on this pool"
