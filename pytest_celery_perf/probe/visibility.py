"""When a worker puts a message back into its queue that somebody, dead or alive, holds unacknowledged."""

from __future__ import annotations

from typing import Any

from pytest_celery_perf.probe.transport import option


def timeout_s(app: Any) -> float:
    """Return how many seconds a message may stay unacknowledged before a worker of this app has it delivered again.

    Args:
        app: The Celery app, as its worker has configured it.
    """
    return float(option(app, "visibility_timeout", 3600))


def restore_delay_s(app: Any) -> float:
    """Return what is added to the visibility timeout until the worker's sweep finds the message, at most, in seconds.

    The sweep comes at every n-th tick of a timer. Since kombu 5.7 both are transport options; before,
    whatever the app says, it is every tenth of ten seconds.

    Args:
        app: The Celery app, as its worker has configured it.

    Source:
        ``Transport.register_with_event_loop`` and ``QoS.restore_visible`` in kombu/transport/redis.py.
    """
    interval = option(app, "unacked_restore_interval", 10)
    throttle = option(app, "unacked_restore_throttle", 10)
    return float(interval) * (int(throttle) or 1)
