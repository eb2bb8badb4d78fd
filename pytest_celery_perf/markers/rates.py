"""The markers of rates: how fast tasks are worked off, and that some do not keep others waiting."""

from __future__ import annotations

import math
from typing import Any

from pytest_celery_perf.errors import ConfigurationError
from pytest_celery_perf.model.arguments import above_zero, natural, task_name
from pytest_celery_perf.model.rates import IsolationBudget, ShareBudget, ThroughputBudget
from pytest_celery_perf.model.units import parse_duration_s, parse_rate_per_s, parse_share


def celery_throughput(
    *,
    task: Any = None,
    min: str | float | None = None,
    drain: str | float | None = None,
    concurrency: int | None = None,
) -> ThroughputBudget:
    """Demand how many tasks succeed in a second, how soon all have after the last was published, how many run at once.

    The rate is that of all the test's tasks of a name that succeed, from the first publication to the last end.
    """
    if min is None and drain is None and concurrency is None:
        raise ConfigurationError('nothing to judge: give min=, drain= or concurrency=, such as min="100/s"')
    return ThroughputBudget(
        task=task_name(task),
        min_per_s=None if min is None else above_zero(min, parse_rate_per_s(min, "min"), "min"),
        drain_s=None if drain is None else parse_duration_s(drain, "drain"),
        concurrency=None if concurrency is None else natural(concurrency, "concurrency", 1),
    )


def celery_share(*, task: Any = None, within: str | float | None = None, min: str | float = 0.95) -> ShareBudget:
    """Demand that a share of the tasks succeeds soon enough: 95 % within 10 s, say.

    What fails, is lost or has not ended is too late.
    """
    if within is None:
        raise ConfigurationError('within= is missing: how soon a task must have succeeded, such as within="10s"')
    return ShareBudget(
        task=task_name(task),
        within_s=parse_duration_s(within, "within"),
        min_share=above_zero(min, parse_share(min, "min"), "min"),
    )


def celery_isolation(
    *,
    flood: Any = None,
    victim: Any = None,
    behind: int | None = None,
    wait: str | float | None = None,
    factor: Any = None,
) -> IsolationBudget:
    """Judge that a backlog of one task (or queue) does not keep another one waiting.

    The test publishes the flood and, while it waits, the victims. None of these may wait for a slot behind more tasks
    of the flood than ``behind`` says, which is 0 unless another argument is given. ``wait`` bounds their time in queue,
    ``factor`` holds its median against that of victims which were published without the backlog, in the same test.
    """
    names = [task_name(flood), task_name(victim)]
    for name, what in zip(names, ("flood", "victim"), strict=True):
        if name is None:
            raise ConfigurationError(f"{what}= is missing: a task, its name, or the name of a queue")
    if names[0] == names[1]:
        raise ConfigurationError(f"flood={names[0]!r} is the victim too: give another task or queue")
    if factor is not None and (
        isinstance(factor, bool) or not isinstance(factor, int | float) or not 1 <= factor < math.inf
    ):
        raise ConfigurationError(f"factor={factor!r} is not a finite number from 1")
    unless = 0 if wait is None and factor is None else None
    return IsolationBudget(
        flood=str(names[0]),
        victim=str(names[1]),
        behind=unless if behind is None else natural(behind, "behind", 0),
        wait_s=None if wait is None else parse_duration_s(wait, "wait"),
        factor=None if factor is None else float(factor),
    )


RATES = (celery_throughput, celery_share, celery_isolation)
