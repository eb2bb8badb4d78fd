"""Takes stock of an app's tasks: what each does with its time, and which pool suits it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from pytest_celery_perf.errors import CeleryPerfError
from pytest_celery_perf.judge.pools import suggest
from pytest_celery_perf.measure.pools import profile_of
from pytest_celery_perf.model.pools import Stock
from pytest_celery_perf.model.record import Execution
from pytest_celery_perf.pools.compare import Call, Told, cores, profile
from pytest_celery_perf.runner.stage import Stage

OWN = "celery."
"""What the names of Celery's own tasks begin with."""
APART = ("prefork", "solo")
"""The pools on which the CPU time of an execution is its own, and its runtime holds no waiting for others."""


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
    recorded = [each for each in executions if each.pool in APART]
    for name in sorted(each for each in stage.app.tasks if not each.startswith(OWN)):
        call = Call(task=stage.app.tasks[name])
        found = profile_of(name, recorded, "report")
        if found is None and call.lacks:
            yield Stock(task=name, note=call.lacks)
            continue
        if found is None:
            told(f"{name} by itself")
            try:
                found = profile(stage, call, timeout_s=timeout_s)
            except CeleryPerfError as error:
                yield Stock(task=name, note=str(error))
                continue
        yield Stock(task=name, profile=found, plan=suggest(found, cores()))
