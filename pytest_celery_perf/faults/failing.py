"""Errors that a task is made to raise inside the worker: what ``celery_perf.fail`` orders."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

from pytest_celery_perf.errors import ConfigurationError
from pytest_celery_perf.model.spec import Budget, FailBudget
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

    The records do not tell which order has struck, so those that may strike the same task are judged together.

    Args:
        trial: The test's tasks.
        ordered: What is judged already.
        order: What `failure` has returned.
    """
    trial.order(order)
    failures = [each for each in ordered if isinstance(each, FailBudget)]
    anything = order.task is None or any(each.task is None for each in failures)
    same = [each for each in failures if anything or each.task == order.task]
    for each in same:
        ordered.remove(each)
    times = order.times + sum(each.times for each in same)
    ordered.append(FailBudget(task=None if anything else order.task, times=times))
