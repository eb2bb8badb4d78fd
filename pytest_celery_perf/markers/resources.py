"""The markers that bound what tasks take of their machine."""

from __future__ import annotations

from typing import Any

from pytest_celery_perf.errors import ConfigurationError
from pytest_celery_perf.model.arguments import natural, task_name
from pytest_celery_perf.model.resources import CallsBudget, CpuBudget, GrowthBudget, MemoryBudget
from pytest_celery_perf.model.units import parse_duration_s, parse_share, parse_size_bytes


def celery_memory(
    *,
    task: Any = None,
    peak: str | int | None = None,
    added: str | int | None = None,
    growth: str | int | None = None,
    warmup: int = 0,
) -> MemoryBudget | GrowthBudget:
    """Bound the memory of the process that runs the task: its peak, what an execution adds, or growth per 1,000.

    The kernel keeps the peak, so that it is seen however short it was. Linux, prefork and solo only: elsewhere the
    memory of a process belongs to several tasks, and only its growth is known. Growth is of many executions, and has a
    marker of its own.
    """
    if growth is not None:
        if peak is not None or added is not None or warmup:
            raise ConfigurationError(
                f"growth={growth!r} is of all executions together, the others of each: write two markers"
            )
        return GrowthBudget(task=task_name(task), max_bytes=parse_size_bytes(growth, "growth"))
    if peak is None and added is None:
        raise ConfigurationError('nothing to judge: give peak=, added= or growth=, such as added="35MiB"')
    return MemoryBudget(
        task=task_name(task),
        peak_bytes=None if peak is None else parse_size_bytes(peak, "peak"),
        added_bytes=None if added is None else parse_size_bytes(added, "added"),
        warmup=natural(warmup, "warmup", 0),
    )


def celery_cpu(
    *,
    task: Any = None,
    p50: str | float | None = None,
    p95: str | float | None = None,
    p99: str | float | None = None,
    max: str | float | None = None,
    share: str | float | None = None,
    calls: int | None = None,
    warmup: int = 0,
) -> CpuBudget | CallsBudget:
    """Bound the CPU time of the task's body, its share in the runtime, or how many Python functions the body calls.

    On prefork and solo, threads and commands of the task count too. ``share`` is of the time in which the task could
    have had a core: who waits for one does not wait for anything else. Where nobody knows for how long tasks waited, as
    for Python's lock on busy threads, and it matters, there is no answer.

    Calls are the same on every machine, but to count them slows the task down: write that into a test of its own. On
    gevent they belong to all tasks.
    """
    limits = {"p50": p50, "p95": p95, "p99": p99, "max": max}
    timed = [name for name, limit in {**limits, "share": share}.items() if limit is not None]
    if calls is not None:
        if timed:
            raise ConfigurationError(f"calls= slows the task down, {timed[0]}= is about time: write two tests")
        return CallsBudget(task=task_name(task), max=natural(calls, "calls", 0), warmup=natural(warmup, "warmup", 0))
    if not timed:
        raise ConfigurationError('nothing to judge: give p50=, p95=, p99=, max=, share= or calls=, such as max="30ms"')
    if warmup:
        raise ConfigurationError(f"warmup={warmup!r} is of calls=; percentiles are of all executions")
    seconds = {name: None if limit is None else parse_duration_s(limit, name) for name, limit in limits.items()}
    return CpuBudget(
        task=task_name(task),
        p50_s=seconds["p50"],
        p95_s=seconds["p95"],
        p99_s=seconds["p99"],
        max_s=seconds["max"],
        share=None if share is None else parse_share(share, "share", of_several=True),
    )
