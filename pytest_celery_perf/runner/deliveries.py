"""Which delivery of a message the broker's note in ``unacked`` is of."""

from __future__ import annotations

import time

from pytest_celery_perf.broker.inspect import Unacked
from pytest_celery_perf.model.units import NS_PER_S
from pytest_celery_perf.probe import wire

_LAG_S = 0.05
"""By how much the two clocks may have come apart between then and now: the system's is adjusted, the other is not."""


def is_of(message: Unacked, received: wire.Received) -> bool:
    """Tell whether a message was taken for this receipt, not again since.

    A worker that ends gives back what it has not begun; who takes that next holds it under the same delivery tag. To
    put it back once more, for the sake of the first, would have it run twice.

    Args:
        message: What the broker has noted.
        received: A receipt of it by a worker whose clock can be compared with ours.

    Source:
        ``QoS.append`` in kombu/transport/redis.py, which notes the time before the worker hears of the message.
    """
    received_s = time.time() - (time.monotonic_ns() - received.ns) / NS_PER_S
    return message.received_s <= received_s + _LAG_S
