"""Faults as orders that messages carry into the workers."""

from __future__ import annotations

from dataclasses import replace

from pytest_celery_perf.model.faults import FAULT_KINDS
from pytest_celery_perf.model.orders import OrderBudget
from pytest_celery_perf.model.spec import Budget
from pytest_celery_perf.probe.orders import AWAITED, FaultOrder

LIMIT_S = 0.2
"""What a time limit is brought forward to: more than a worker takes to begin a task that it has received."""


def orders_for(
    kind: str,
    *,
    key: str,
    task: str | None,
    at: str,
    times: int = 1,
    lasting_s: float = 0.0,
    keep_data: bool = True,
) -> tuple[FaultOrder, ...]:
    """Return what the messages of a test must carry for a fault to strike.

    Args:
        kind: One of `FAULT_KINDS`.
        key: Tells the faults of a test apart.
        task: Name of the task that suffers it; None for any.
        at: The point at which it strikes.
        times: How often.
        lasting_s: Of a fault that lasts: how many seconds.
        keep_data: Of the broker's death: whether it comes back with its data.
    """
    known = FAULT_KINDS[kind]
    if known.record == "time-limit":
        # Celery begins to count the hard limit when the soft one has struck, if there is one: as late as it can be, and
        # to a child that is deaf from its start, since a busy one takes its time from there to the body.
        limits = (None, LIMIT_S) if known.soft else (LIMIT_S, LIMIT_S * 0.95)
        # A soft limit raises where the task hangs; that must be within its body, as in production.
        where = "body" if at == "started" else at
        deaf = () if known.soft else (FaultOrder(key=f"{key}-deaf", task=task, do="deafen", at="started", times=times),)
        return (
            FaultOrder(key=key, task=task, do=known.record, at=known.record, times=times, args=limits),
            *deaf,
            FaultOrder(key=f"{key}-hang", task=task, do="hold", at=where, times=times),
        )
    return (
        FaultOrder(
            key=key,
            task=task,
            do=f"{AWAITED}{kind}" if known.awaited else known.record,
            at=at,
            times=times,
            # Each waits at a gate of its own, for the test process to have carried out its fault.
            nth=tuple(range(1, times + 1)) if known.awaited and times > 1 else (),
            signal=known.signal,
            args=(lasting_s, keep_data) if known.awaited else (),
        ),
    )


def judge_together(ordered: list[Budget], budget: OrderBudget) -> None:
    """Have it judged whether an order strikes as often as it says.

    The records do not tell which order has struck, so those that may strike the same task are judged together.

    Args:
        ordered: What is judged already.
        budget: What was ordered.
    """
    same = [each for each in ordered if isinstance(each, OrderBudget) and budget.coincides(each)]
    for each in same:
        ordered.remove(each)
    orders = [*same, budget]
    anything = any(each.task is None for each in orders)
    times = sum(each.times for each in orders)
    ordered.append(replace(budget, task=None if anything else budget.task, times=times))
