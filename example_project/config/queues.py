"""Which task goes to which queue, and what is consumed first.

The team counts importance as people do: 9 is the most urgent, and a person who waits in
front of a screen comes first. **Redis counts the other way round**: its lists are served in
ascending order of priority, so 0 is consumed first. The numbers of the team must never reach
a message as they are: with ``priority=8`` the user-facing tasks would be the *last* ones.
`redis_priority` is the only place where one becomes the other.
"""

from __future__ import annotations

from typing import TypedDict

from kombu import Exchange, Queue

HIGHEST_IMPORTANCE = 9


class Route(TypedDict):
    """What Celery's router wants to know of a task."""

    queue: str
    priority: int


def redis_priority(importance: int) -> int:
    """Turn an importance into the priority that Redis serves in the same order.

    Args:
        importance: 0 to 9, 9 being the most urgent.

    Returns:
        The message priority, 0 being consumed first.

    Raises:
        ValueError: The importance is outside of that range.

    Source:
        ``kombu/transport/redis.py``: ``_brpop_start`` lists the keys by ascending priority step.
    """
    if not 0 <= importance <= HIGHEST_IMPORTANCE:
        raise ValueError(f"importance {importance}: must be 0 to {HIGHEST_IMPORTANCE}")
    return HIGHEST_IMPORTANCE - importance


def _route(queue: str, importance: int) -> Route:
    return {"queue": queue, "priority": redis_priority(importance)}


ROUTES: dict[str, Route] = {
    "judge.tasks.execute_code_task": _route("execution", importance=8),
    "judge.tasks.generate_hints_task": _route("ai", importance=6),
    "judge.tasks.generate_script_task": _route("generation", importance=5),
    "judge.tasks.generate_outputs_task": _route("generation", importance=5),
    "judge.tasks.extract_problem_info_task": _route("ai", importance=4),
    "judge.tasks.delete_job_task": _route("maintenance", importance=2),
    "judge.tasks.warm_problem_cache_task": _route("maintenance", importance=2),
    "judge.tasks.warm_user_stats_cache_task": _route("maintenance", importance=2),
}

QUEUES = tuple(
    Queue(name, Exchange(name), routing_key=name) for name in ("execution", "generation", "ai", "maintenance")
)
