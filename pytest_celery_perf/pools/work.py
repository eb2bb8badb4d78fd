"""Has a worker with a pool of some kind run a task many times."""

from __future__ import annotations

import importlib.util
import inspect
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from typing import Any

from pytest_celery_perf.broker.lists import Lists
from pytest_celery_perf.errors import ConfigurationError, WorkerError
from pytest_celery_perf.load.line import Line, Order
from pytest_celery_perf.load.mix import Kind
from pytest_celery_perf.model.arguments import arguments, keywords
from pytest_celery_perf.model.history import History
from pytest_celery_perf.model.pools import PoolPlan
from pytest_celery_perf.model.spec import WorkerSpec
from pytest_celery_perf.runner.groundwork import Groundwork
from pytest_celery_perf.runner.pool import Pool
from pytest_celery_perf.runner.stage import Stage, StagePlan
from pytest_celery_perf.runner.trial import Trial
from pytest_celery_perf.runner.wishes import Wishes
from pytest_celery_perf.worker.base import died
from pytest_celery_perf.worker.options import from_arguments

ERRORS = 3
"""How many kinds of them are told."""
_ERROR = re.compile(r"\[[^]]*: (?:ERROR|CRITICAL)/[^]]*\] (.*)")
_ID = re.compile(r"'?[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}'?")


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


def call_of(task: Any, args: Any, kwargs: Any, what: str) -> Call:
    """Check what a user wants to have called.

    Args:
        task: A task.
        args: Its arguments.
        kwargs: Its keyword arguments, or None.
        what: The function that they were given to.

    Raises:
        ConfigurationError: That is no task, or those are no arguments.
    """
    __tracebackhide__ = True
    from celery import Task

    if not isinstance(task, Task):
        raise ConfigurationError(f"{what}: {task!r} is neither a task nor the name of one")
    return Call(task=task, args=arguments(args, f"{what}: args"), kwargs=keywords(kwargs, f"{what}: kwargs"))


@contextmanager
def on_stage(app: str, broker: str, image: str) -> Iterator[Stage]:
    """Set up what workers need outside of pytest; nothing is left behind, even if this process is killed.

    Args:
        app: As Celery's ``-A`` takes it.
        broker: ``auto``, ``process``, ``container`` or the URL of a server, as ``--broker`` has it.
        image: The container broker's.
    """
    with ExitStack() as stack:
        ground = Groundwork()
        stack.callback(ground.close)
        ground.preload(app)
        plan = StagePlan(app=app, broker=broker, broker_source="--broker", image=image, logs=None)
        stage = Stage(plan, ground)
        stack.callback(stage.close)
        yield stage


@contextmanager
def working(stage: Stage, call: Call, plan: PoolPlan) -> Iterator[Pool]:
    """Run a worker, with the app's own settings but for pool and concurrency.

    Args:
        stage: Where.
        call: What it shall run.
        plan: Its pool.

    Raises:
        WorkerError: It cannot be started.
    """
    if plan.pool == "gevent" and importlib.util.find_spec("gevent") is None:
        raise WorkerError("gevent is not installed: pip install 'pytest-celery-perf[gevent]'")
    name = f"pools-{plan.label.replace(':', '-')}"
    options = from_arguments(
        queues=_queues(stage.app, call), pool=plan.pool, concurrency=plan.concurrency, what=plan.label
    )
    pool = stage.pool_for((WorkerSpec(name=name, options=options),))
    try:
        yield pool
    finally:
        pool.hurt = True  # nobody wants it again, and idle workers would disturb the next one
        stage.give_back(pool)


def ran(
    stage: Stage, pool: Pool, call: Call, *, times: int, timeout_s: float, measure: tuple[str, ...] = ()
) -> History:
    """Have a worker run a task, all of it in the queue from the beginning.

    Args:
        stage: Where.
        pool: The worker.
        call: The task.
        times: How often.
        timeout_s: How long to wait for the end.
        measure: What executions are measured with, and what else is watched.

    Raises:
        WorkerError: The worker died.
    """
    trial = Trial(pool, reader=stage.reader, app=stage.app, wishes=Wishes(measure=measure))
    with trial.tracking():
        probe = pool.probe
        with closing(Lists(probe.broker_write_url or probe.broker_url or "")) as lists:
            # In bulk: the cores are the worker's then.
            line = Line(Kind(task=call.task, args=call.args, kwargs=call.kwargs), trial, lists, bulk=True)
            line.publish([Order(number, None) for number in range(times)])
        trial.wait(timeout_s)
        for member in pool.members:
            if not member.worker.alive:
                raise died(member.worker, f"while it ran {call.task.name}")
        return trial.history()


def logged_errors(pool: Pool) -> tuple[str, ...]:
    """Return what a worker logged as errors, the most frequent first: their first lines, without ids."""
    text = pool.members[0].worker.launch.log.read_text(encoding="utf-8", errors="replace")
    found = Counter(_ID.sub("…", match[1]) for line in text.splitlines() if (match := _ERROR.match(line)))
    return tuple(f"{times} × {error}" for error, times in found.most_common(ERRORS))


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
