"""Brings the time limits of a task forward, where its message asks for that."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pytest_celery_perf.probe.faults import Faults, Victim
    from pytest_celery_perf.probe.orders import FaultOrder

LIMIT = "time-limit"
"""What an order does, and the point at which it does it."""


class Limits:
    """Sets time limits in the worker's main process, which enforces them.

    Args:
        faults: Tells whether an order has been carried out often enough.
    """

    def __init__(self, faults: Faults) -> None:
        self._faults = faults

    def bring_forward(self, consumer: Any, request: Any, orders: Iterable[FaultOrder], victim: Victim) -> list[str]:
        """Set the limits of a request that was just received: they are read when the pool gets it, which is next.

        Args:
            consumer: The worker's.
            request: Celery's.
            orders: The faults that its message asks for.
            victim: Its execution.

        Returns:
            The keys of the orders that spare it: it has no such limit, so that nothing would end it in production.

        Source:
            ``task_message_handler`` in celery/worker/strategy.py, ``Request.execute_using_pool``.
        """
        spared = []
        for order in orders:
            if order.do != LIMIT:
                continue
            if not _has_limit(consumer, request, soft=order.args[0] is None):
                spared.append(order.key)
            elif self._faults.announce(order, victim):
                request.time_limits = order.args
        return spared


def _has_limit(consumer: Any, request: Any, *, soft: bool) -> bool:
    """Tell whether a call, its task or its worker has a limit."""
    name = "soft_time_limit" if soft else "time_limit"
    return bool(request.time_limits[soft] or getattr(request.task, name) or getattr(consumer.controller, name))
