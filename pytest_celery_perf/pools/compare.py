"""Runs a task on several pools, one after the other, and compares."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from pytest_celery_perf.baseline.environment import cores
from pytest_celery_perf.errors import CeleryPerfError, ConfigurationError, WorkerError
from pytest_celery_perf.judge.obstacles import keeps_the_thread
from pytest_celery_perf.judge.pools import advise
from pytest_celery_perf.measure.lives import lives
from pytest_celery_perf.measure.pools import errors_of, profile_of, run_of
from pytest_celery_perf.model.pools import Comparison, PoolPlan, PoolRun, TaskProfile
from pytest_celery_perf.model.record import TaskOptions
from pytest_celery_perf.model.samples import WORKERS
from pytest_celery_perf.pools.plans import plans_of
from pytest_celery_perf.pools.work import Call, logged_errors, ran, working
from pytest_celery_perf.report.pools import comparison_text
from pytest_celery_perf.runner.stage import Stage
from pytest_celery_perf.runner.trial import Trial

SOLO = PoolPlan(pool="solo", concurrency=1)
PROFILED = 6
"""How often a task runs undisturbed, to learn what it does with its time; the first one only warms it up."""
CLOSELY = 10
"""How often at most it runs with instruments on a pool, before it runs without them: they would slow it down."""
CHEAP = "cpu"
"""The instrument that takes nobody's time, and works where executions have processes of their own."""
INSTRUMENTS = (CHEAP, "thread")
ROUNDS = 4
"""How many tasks there are for each slot of a pool, unless somebody says how many there shall be."""
LEAST = 20
"""Tasks, for the 95th percentile."""

Told = Callable[[str], None]
"""Called with what is done next."""


def profile(stage: Stage, call: Call, *, timeout_s: float) -> TaskProfile:
    """Run a task a few times, one after the other and undisturbed, and see what it does with its time.

    Raises:
        WorkerError: It does not run; the text says why.
    """
    with working(stage, call, SOLO) as pool:
        history = ran(stage, pool, call, times=PROFILED, timeout_s=timeout_s, measure=INSTRUMENTS)
    found = profile_of(call.task.name, history.executions, SOLO.label)
    if found is None:
        errors = errors_of(lives(history))
        why = "; ".join(errors) if errors else f"none of {PROFILED} ended within {timeout_s:g} s"
        raise WorkerError(f"{call.task.name} does not run: {why}")
    return found


def check_arguments(call: Call) -> None:
    """See that a task can be called so.

    Raises:
        ConfigurationError: It needs other arguments.
    """
    if call.lacks:
        given = f"args={list(call.args)!r} and kwargs={dict(call.kwargs)!r}"
        raise ConfigurationError(f"{call.task.name} cannot be called with {given}: {call.lacks}")


def compare(
    stage: Stage,
    call: Call,
    plans: Sequence[PoolPlan],
    *,
    tasks: int | None,
    timeout_s: float,
    told: Told = lambda _: None,
) -> Comparison:
    """Run a task on several pools, one after the other.

    Args:
        stage: Where.
        call: The task.
        plans: The pools.
        tasks: How many tasks each gets; None: four for each slot, and twenty at least.
        timeout_s: How long each may take.
        told: Called with what is done next.

    Raises:
        ConfigurationError: The task needs other arguments.
        WorkerError: It does not even run undisturbed.
    """
    check_arguments(call)
    told(f"{call.task.name} by itself")
    alone = profile(stage, call, timeout_s=timeout_s)
    runs = []
    options: TaskOptions | None = None
    for plan in plans:
        times = tasks or max(LEAST, ROUNDS * plan.concurrency)
        told(f"{times} × {call.task.name} on {plan.label}")
        try:
            run, options = try_pool(stage, call, plan, alone, times=times, timeout_s=timeout_s)
        except CeleryPerfError as error:
            run = PoolRun(plan=plan, lack=str(error))
        runs.append(run)
    advice = advise(alone, runs, cores(), options, Path.cwd())
    return Comparison(profile=alone, runs=tuple(runs), advice=advice)


def try_pool(
    stage: Stage, call: Call, plan: PoolPlan, alone: TaskProfile, *, times: int, timeout_s: float
) -> tuple[PoolRun, TaskOptions | None]:
    """Run a task on a pool: to warm the worker up, then with instruments, and then without those that slow it down.

    Returns:
        What it did, and its options.

    Raises:
        CeleryPerfError: The pool cannot be started.
    """
    with working(stage, call, plan) as pool:
        few = min(plan.concurrency, CLOSELY)
        ran(stage, pool, call, times=few, timeout_s=timeout_s, measure=INSTRUMENTS)
        closely = ran(stage, pool, call, times=few, timeout_s=timeout_s, measure=INSTRUMENTS)
        if keeps_the_thread(run_of(plan, closely, closely, alone), alone):
            times = min(times, LEAST)  # they go one by one, and many would take for ever
        history = ran(stage, pool, call, times=times, timeout_s=timeout_s, measure=(WORKERS, CHEAP))
        return run_of(plan, history, closely, alone, logged_errors(pool)), history.tasks.get(alone.task)


def compare_beside(
    trial: Trial, stage: Stage, call: Call, pools: str, *, tasks: int | None, timeout_s: float
) -> Comparison:
    """Run a task on several pools in the midst of a test, and print the table.

    Args:
        trial: The test's own tasks, from which these are kept apart.
        stage: See `compare`, as of the others.
        call: The task.
        pools: The pools, as a user writes them.
        tasks: How many tasks each gets, or None.
        timeout_s: How long each may take.

    Raises:
        ConfigurationError: There are no such pools, or the task needs other arguments.
        WorkerError: The task does not even run undisturbed.
    """
    plans = plans_of(pools, "celery_perf.pools: pools")
    with trial.aside():
        found = compare(stage, call, plans, tasks=tasks, timeout_s=timeout_s)
    print(comparison_text(found))  # noqa: T201 - pytest shows it with a failure, or as its user says
    return found
