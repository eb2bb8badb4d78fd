"""When a worker puts a message back into its queue that somebody, dead or alive, holds unacknowledged."""

from __future__ import annotations

from typing import Any


def timeout_s(app: Any) -> float:
    """Return how many seconds a message may stay unacknowledged before a worker of this app has it delivered again.

    Args:
        app: The Celery app, as its worker has configured it.
    """
    return float(_option(app, "visibility_timeout", 3600))


def restore_delay_s(app: Any) -> float:
    """Return what is added to the visibility timeout until the worker's sweep finds the message, at most, in seconds.

    The sweep comes at every n-th tick of a timer. Since kombu 5.7 both are transport options; before,
    whatever the app says, it is every tenth of ten seconds.

    Args:
        app: The Celery app, as its worker has configured it.

    Source:
        ``Transport.register_with_event_loop`` and ``QoS.restore_visible`` in kombu/transport/redis.py.
    """
    interval = _option(app, "unacked_restore_interval", 10)
    throttle = _option(app, "unacked_restore_throttle", 10)
    return float(interval) * (int(throttle) or 1)


def _option(app: Any, name: str, default: float) -> float:
    """Return a transport option, if this kombu has such an option, else the default."""
    with app.connection_for_read() as connection:
        channel: Any = getattr(connection.transport, "Channel", None)
        if not hasattr(channel, name):
            return default
        value: float = (connection.transport_options or {}).get(name, getattr(channel, name))
        return value
