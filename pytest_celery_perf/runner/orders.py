"""What the markers of a test order to go wrong."""

from __future__ import annotations

from collections.abc import Iterable

from pytest_celery_perf.faults.orders import orders_for
from pytest_celery_perf.model.faults import FAULT_KINDS, Need
from pytest_celery_perf.model.orders import FaultBudget
from pytest_celery_perf.model.spec import Budget, RecoveryBudget
from pytest_celery_perf.probe.orders import FaultOrder


def orders_of(budgets: Iterable[Budget]) -> tuple[FaultOrder, ...]:
    """Return the faults that the tasks of a test must suffer."""
    return tuple(order for number, budget in enumerate(budgets) for order in _orders_of(budget, number))


def _orders_of(budget: Budget, number: int) -> tuple[FaultOrder, ...]:
    if isinstance(budget, FaultBudget):
        return orders_for(
            budget.kind,
            key=f"fault{number}",
            task=budget.task,
            at=budget.at,
            times=budget.times,
            lasting_s=budget.lasting_s,
            keep_data=budget.keep_data,
        )
    if not isinstance(budget, RecoveryBudget):
        return ()
    order = FaultOrder(
        key=f"recovery{number}",
        task=budget.task,
        # Only the runner can kill the broker: the task waits at the point until it has.
        do="outage" if budget.kill == "broker" else f"kill-{budget.kill}",
        at=budget.at,
        times=budget.times,
        signal=budget.signal,
    )
    return (order,)


def breaks_broker(budgets: Iterable[Budget]) -> bool:
    """Tell whether a test needs a broker of its own."""
    return any(
        (isinstance(budget, RecoveryBudget) and budget.kill == "broker")
        or (isinstance(budget, FaultBudget) and FAULT_KINDS[budget.kind].need is Need.OWN_BROKER)
        for budget in budgets
    )
