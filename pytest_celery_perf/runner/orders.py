"""What the markers of a test order to go wrong."""

from __future__ import annotations

from collections.abc import Iterable

from pytest_celery_perf.model.spec import Budget, RecoveryBudget
from pytest_celery_perf.probe.faults import FaultOrder


def orders_of(budgets: Iterable[Budget]) -> tuple[FaultOrder, ...]:
    """Return the faults that the tasks of a test must suffer."""
    return tuple(
        FaultOrder(
            key=f"recovery{number}",
            task=budget.task,
            # Only the runner can kill the broker: the task waits at the point until it has.
            do="outage" if budget.kill == "broker" else f"kill-{budget.kill}",
            at=budget.at,
            times=budget.times,
            signal=budget.signal,
        )
        for number, budget in enumerate(budgets)
        if isinstance(budget, RecoveryBudget)
    )


def breaks_broker(budgets: Iterable[Budget]) -> bool:
    """Tell whether a test needs a broker of its own."""
    return any(isinstance(budget, RecoveryBudget) and budget.kill == "broker" for budget in budgets)
