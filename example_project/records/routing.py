"""Which task goes to which queue, by a pattern of its name, and how urgent it is.

The registry counts urgency from 1 to 10, and 10 is the most urgent. **Redis counts the other way round**, from 0 to 9,
and serves 0 first: `redis_priority` is the only place where one becomes the other.
"""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from celery import current_app
from kombu import Exchange, Queue

LOWEST, HIGHEST = 1, 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Lane:
    """A queue."""

    pattern: str
    """Of the names of the tasks that go there."""
    queue: str
    urgency: int


LANES = (
    Lane(pattern="records.*.email.*", queue="email", urgency=3),
    Lane(pattern="records.*.reports.*", queue="reports", urgency=5),
    Lane(pattern="records.*.analytics.*", queue="analytics", urgency=2),
    Lane(pattern="records.*.cleanup.*", queue="cleanup", urgency=1),
    Lane(pattern="records.*", queue="default", urgency=5),
)
QUEUES = tuple(Queue(name, Exchange(name), routing_key=name) for name in ("email", "reports", "analytics", "cleanup"))


def redis_priority(urgency: int) -> int:
    """Turn an urgency into the priority that Redis serves in the same order.

    Args:
        urgency: 1 to 10, 10 being the most urgent.

    Raises:
        ValueError: The urgency is outside of that range.

    Source:
        ``kombu/transport/redis.py``: ``_brpop_start`` lists the keys by ascending priority step.
    """
    if not LOWEST <= urgency <= HIGHEST:
        raise ValueError(f"urgency {urgency}: must be {LOWEST} to {HIGHEST}")
    return HIGHEST - urgency


def route(name: str, args: Any, kwargs: Any, options: Any, task: Any = None, **_: Any) -> dict[str, Any] | None:
    """Route a task of the registry; what another task publishes is as urgent as that one.

    Celery's own setting for that, ``task_inherit_parent_priority``, only fills in a priority that is missing, and a
    route that states one wins over it.

    Args:
        name: Of the task.
        args: Its arguments.
        kwargs: Its keyword arguments.
        options: What the caller asked for: that wins over what is returned.
        task: The task.

    Returns:
        Queue and priority; None for a task of another app.
    """
    lane = next((lane for lane in LANES if fnmatchcase(name, lane.pattern)), None)
    if lane is None:
        return None
    parent = current_app.current_worker_task
    inherited = parent.request.delivery_info.get("priority") if parent else None
    return {"queue": lane.queue, "priority": redis_priority(lane.urgency) if inherited is None else inherited}
