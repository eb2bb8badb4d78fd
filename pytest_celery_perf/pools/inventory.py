"""Takes stock of an app's tasks: what each does with its time, and which pool suits it."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator, Sequence
from pathlib import Path

from pytest_celery_perf.baseline.environment import cores
from pytest_celery_perf.errors import CeleryPerfError
from pytest_celery_perf.judge.obstacles import obstacle
from pytest_celery_perf.judge.pools import suggest
from pytest_celery_perf.measure.pools import profile_of
from pytest_celery_perf.model.pools import PoolPlan, PoolRun, Stock, TaskProfile
from pytest_celery_perf.model.record import Execution
from pytest_celery_perf.pools.compare import ROUNDS, Told, profile, try_pool
from pytest_celery_perf.pools.work import Call
from pytest_celery_perf.runner.stage import Stage

OWN = "celery."
"""What the names of Celery's own tasks begin with."""
APART = ("prefork", "solo")
"""The pools on which the CPU time of an execution is its own, and its runtime holds no waiting for others."""
GREENLETS = PoolPlan(pool="gevent", concurrency=10)
"""Where a task is tried that waits, whether it lets others run meanwhile."""


def inventory(stage: Stage, executions: Sequence[Execution], *, timeout_s: float, told: Told) -> tuple[Stock, ...]:
    """Profile every task of an app.

    Args:
        stage: Where the app is.
        executions: Of a test run: tasks that are among them are not run.
        timeout_s: How long each task may take.
        told: Called with what is done next.
    """
    return tuple(_stocks(stage, executions, timeout_s, told))


def _stocks(stage: Stage, executions: Sequence[Execution], timeout_s: float, told: Told) -> Iterator[Stock]:
    apart = [each for each in executions if each.pool in APART]
    for name in sorted(each for each in stage.app.tasks if not each.startswith(OWN)):
        call = Call(task=stage.app.tasks[name])
        known = profile_of(name, apart, "report") or profile_of(name, executions, "report")
        if known is not None:
            yield Stock(task=name, profile=known, fit=suggest(known, cores()))
        elif call.lacks:
            yield Stock(task=name, note=call.lacks)
        else:
            told(f"{name} by itself")
            yield _tried(stage, call, timeout_s)


def _tried(stage: Stage, call: Call, timeout_s: float) -> Stock:
    """Profile a task; one that suits gevent is tried there, too."""
    try:
        found = profile(stage, call, timeout_s=timeout_s)
    except CeleryPerfError as error:
        # The last lines of a worker that has died would bury the other tasks.
        note = str(error).partition("; its last lines:")[0]
        return Stock(task=call.task.name, note=note.removeprefix(f"{call.task.name} "))
    runs = tuple(_on_greenlets(stage, call, found, timeout_s))
    note = "; ".join(text for run in runs if (text := obstacle(run, found, Path.cwd())))
    fit = suggest(found, cores(), runs, without=[GREENLETS.pool] if note else [])
    return Stock(task=call.task.name, profile=found, fit=fit, note=note and f"{GREENLETS.label}: {note}")


def _on_greenlets(stage: Stage, call: Call, found: TaskProfile, timeout_s: float) -> Iterator[PoolRun]:
    """Yield what a task does on gevent; nothing if another pool suits it anyway."""
    fit = suggest(found, cores())
    if fit is None or fit.pool != GREENLETS.pool or importlib.util.find_spec("gevent") is None:
        return
    times = ROUNDS * GREENLETS.concurrency
    try:
        run, _ = try_pool(stage, call, GREENLETS, found, times=times, timeout_s=timeout_s)
    except CeleryPerfError as error:
        run = PoolRun(plan=GREENLETS, lack=str(error))
    yield run
