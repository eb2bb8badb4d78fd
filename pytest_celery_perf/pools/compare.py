"""Runs a task on several pools, one after the other, and compares."""

from __future__ import annotations

import importlib.util
import inspect
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pytest_celery_perf.broker.lists import Lists
from pytest_celery_perf.errors import CeleryPerfError, ConfigurationError, WorkerError
from pytest_celery_perf.judge.pools import advise
from pytest_celery_perf.load.line import Line, Order
from pytest_celery_perf.load.mix import Kind
from pytest_celery_perf.measure.lives import lives
from pytest_celery_perf.measure.pools import errors_of, profile_of, run_of
from pytest_celery_perf.model.history import History
from pytest_celery_perf.model.pools import Comparison, PoolPlan, PoolRun, TaskProfile
from pytest_celery_perf.model.spec import WorkerSpec
from pytest_celery_perf.pools.plans import plans_of
from pytest_celery_perf.report.pools import comparison_text
from pytest_celery_perf.runner.groundwork import Groundwork
from pytest_celery_perf.runner.stage import Stage, StagePlan
from pytest_celery_perf.runner.trial import Trial
from pytest_celery_perf.worker.options import from_arguments

SOLO = PoolPlan(pool="solo", concurrency=1)
PROFILED = 6
"""How often a task runs undisturbed, to learn what it does with its time; the first one only warms it up."""
ROUNDS = 4
"""How many tasks there are for each slot of a pool, unless somebody says how many there shall be."""
LEAST = 20
"""Tasks, for the 95th percentile."""
INSTRUMENTS = ("cpu", "thread")

Told = Callable[[str], None]
"""Called with what is done next."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A task with its arguments."""

    task: Any
    args: Sequence[Any] = ()
    kwargs: Mapping[str, Any] = field(default_factory=dict)

    @property
    def lacks(self) -> str:
        """Why the task cannot be called so: ``missing a required argument: 'user'``; empty if it can."""
        try:
            inspect.signature(self.task.run).bind(*self.args, **self.kwargs)
        except TypeError as error:
            return str(error)
        return ""


@contextmanager
def on_stage(app: str, broker: str, image: str) -> Iterator[Stage]:
    """Set up what pools need outside of pytest; nothing is left behind, even if this process is killed.

    Args:
        app: As Celery's ``-A`` takes it.
        broker: ``auto``, ``process``, ``container`` or the URL of a server.
        image: The container broker's.
    """
    with ExitStack() as stack:
        ground = Groundwork()
        stack.callback(ground.close)
        ground.preload(app)
        stage = Stage(StagePlan(app=app, broker=broker, image=image, logs=None), ground)
        stack.callback(stage.close)
        yield stage


def profile(stage: Stage, call: Call, *, timeout_s: float) -> TaskProfile:
    """Run a task a few times, one after the other and undisturbed, and see what it does with its time.

    Raises:
        WorkerError: It does not run; the text says why.
    """
    history = _run(stage, call, SOLO, PROFILED, timeout_s)
    found = profile_of(call.task.name, history.executions, SOLO.label)
    if found is None:
        errors = errors_of(lives(history))
        why = "; ".join(errors) if errors else f"none of {PROFILED} ended within {timeout_s:g} s"
        raise WorkerError(f"{call.task.name} does not run: {why}")
    return found


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
    if call.lacks:
        given = f"args={list(call.args)!r} and kwargs={dict(call.kwargs)!r}"
        raise ConfigurationError(f"{call.task.name} cannot be called with {given}: {call.lacks}")
    told(f"{call.task.name} by itself")
    alone = profile(stage, call, timeout_s=timeout_s)
    runs = []
    options = None
    for plan in plans:
        count = tasks or max(LEAST, ROUNDS * plan.concurrency)
        told(f"{count} × {call.task.name} on {plan.label}")
        try:
            history = _run(stage, call, plan, count, timeout_s)
        except CeleryPerfError as error:
            runs.append(PoolRun(plan=plan, lack=str(error)))
        else:
            options = history.tasks.get(call.task.name, options)
            runs.append(run_of(plan, history, alone))
    advice = advise(alone, runs, cores(), options, Path.cwd())
    return Comparison(profile=alone, runs=tuple(runs), advice=advice)


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


def cores() -> int:
    """Return how many cores this process, and so its workers, may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _run(stage: Stage, call: Call, plan: PoolPlan, tasks: int, timeout_s: float) -> History:
    """Run a task on a pool, all of it in the queue from the beginning."""
    if plan.pool == "gevent" and importlib.util.find_spec("gevent") is None:
        raise WorkerError("gevent is not installed: pip install 'pytest-celery-perf[gevent]'")
    pool = stage.pool_for((_worker(plan, _queues(stage.app, call)),))
    try:
        trial = Trial(pool, reader=stage.reader, app=stage.app, measure=INSTRUMENTS)
        with trial.tracking():
            _publish(call, tasks, trial)
            trial.wait(timeout_s)
            return trial.history()
    finally:
        pool.hurt = True  # nobody wants it again, and its place is needed
        stage.give_back(pool)


def _publish(call: Call, tasks: int, trial: Trial) -> None:
    """Put all tasks into the queue, in bulk: the cores are the workers' then."""
    probe = trial.pool.probe
    with closing(Lists(probe.broker_write_url or probe.broker_url or "")) as lists:
        kind = Kind(task=call.task, args=call.args, kwargs=call.kwargs)
        Line(kind, trial, lists, bulk=True).publish([Order(number, None) for number in range(tasks)])


def _worker(plan: PoolPlan, queues: Sequence[str]) -> WorkerSpec:
    name = f"pools-{plan.label.replace(':', '-')}"
    # Without a hoard: at the end of a backlog one process would have what others could do.
    options = from_arguments(queues=queues, pool=plan.pool, concurrency=plan.concurrency, prefetch=1, what=plan.label)
    return WorkerSpec(name=name, options=options)


def _queues(app: Any, call: Call) -> list[str]:
    """Return the queues that the app's tasks go to: the task may publish others, and waits for them to end."""
    names = {*app.amqp.queues, *(name for task in app.tasks.values() if (name := _queue_of(app, task, (), {})))}
    own = _queue_of(app, call.task, call.args, call.kwargs)
    return sorted({*names, *([own] if own else [])})


def _queue_of(app: Any, task: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> str | None:
    """Return the queue that a task is routed to; None if a router of the user's does not answer."""
    try:
        options = task._get_exec_options()  # noqa: SLF001 - as Celery's own `Task.apply_async` does
        route = app.amqp.router.route(options, task.name, args, kwargs, task_type=task)
    except Exception:  # noqa: BLE001 - whatever the user's function raises without arguments
        return None
    queue = route.get("queue")
    return None if queue is None else str(getattr(queue, "name", queue))
