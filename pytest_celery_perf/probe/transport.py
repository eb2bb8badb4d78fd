"""How a worker's app has configured kombu's transport, on which its messages travel."""

from __future__ import annotations

from typing import Any


def option(app: Any, name: str, default: Any) -> Any:
    """Return a transport option, if this kombu's transport has such an option, else the default.

    Args:
        app: The Celery app, as its worker has configured it.
        name: Of the option, which is an attribute of the transport's channel, too.
        default: For a transport without it.
    """
    with app.connection_for_read() as connection:
        channel: Any = getattr(connection.transport, "Channel", None)
        if not hasattr(channel, name):
            return default
        return (connection.transport_options or {}).get(name, getattr(channel, name))


def priority_steps(app: Any) -> list[int]:
    """Return the priorities that the broker keeps apart: those between two steps count as the lower one.

    Args:
        app: The Celery app, as its worker has configured it.

    Source:
        ``Channel.priority`` in kombu/transport/redis.py.
    """
    return [int(each) for each in option(app, "priority_steps", ())]
