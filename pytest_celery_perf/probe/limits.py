"""Brings the time limits of a task forward, where its message asks for that."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pytest_celery_perf.probe.orders import HEADER, orders_for

if TYPE_CHECKING:
    from pytest_celery_perf.probe.faults import Faults

LIMIT = "time-limit"
"""What an order does, and the point at which it does it."""


class Limits:
    """Sets time limits in the worker's main process, which enforces them.

    Args:
        faults: Tells whether an order has been carried out often enough.
    """

    def __init__(self, faults: Faults) -> None:
        self._faults = faults

    def on_received(self, request: Any = None, **_: Any) -> None:
        """Handle ``task_received``: the limits are read when the request is handed to the pool, which is next.

        Source:
            ``task_message_handler`` in celery/worker/strategy.py, ``Request.execute_using_pool``.
        """
        header = request.request_dict.get(HEADER)
        for order in () if header is None else orders_for(header, request.name):
            if order.do == LIMIT and self._faults.announce(order, header["t"], request.id):
                request.time_limits = order.args
