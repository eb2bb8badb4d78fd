"""Errors that a task is made to raise inside the worker: what ``celery_perf.fail`` orders."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

from pytest_celery_perf.errors import ConfigurationError
from pytest_celery_perf.faults.orders import judge_together
from pytest_celery_perf.model.orders import FailBudget
from pytest_celery_perf.model.spec import Budget
from pytest_celery_perf.probe.orders import FaultOrder

if TYPE_CHECKING:
    from pytest_celery_perf.runner.trial import Trial

_numbers = itertools.count(1)


def failure(task: str | None, with_: object, times: int) -> FaultOrder:
    """Return what messages must carry for a task to raise.

    Args:
        task: Its name; None for any.
        with_: The exception, or its class.
        times: In how many executions.

    Raises:
        ConfigurationError: It is no exception, or none that a worker could import.
    """
    error = with_ if isinstance(with_, BaseException) else None
    kind = with_ if error is None else type(error)
    if not isinstance(kind, type) or not issubclass(kind, BaseException):
        raise ConfigurationError(f"celery_perf.fail: with_={with_!r} is no exception")
    if "<locals>" in kind.__qualname__:
        raise ConfigurationError(
            f"celery_perf.fail: with_={kind.__qualname__} is defined inside a function: no worker can import it"
        )
    return FaultOrder(
        key=f"fail{next(_numbers)}",
        task=task,
        do="raise",
        at="body",
        times=times,
        error=f"{kind.__module__}:{kind.__qualname__}",
        args=() if error is None else error.args,
    )


def order_failure(trial: Trial, ordered: list[Budget], order: FaultOrder) -> None:
    """Have tasks that are published from now on raise, and have it judged whether they did.

    Args:
        trial: The test's tasks.
        ordered: What is judged already.
        order: What `failure` has returned.
    """
    trial.order(order)
    judge_together(ordered, FailBudget(task=order.task, times=order.times))
