"""Importance becomes priority: what people wait for is what Redis serves first."""

from __future__ import annotations

import pytest

from config.celery import app
from config.queues import QUEUES, ROUTES, redis_priority


def test_the_most_important_comes_first() -> None:
    """Redis serves 0 first."""
    assert [redis_priority(importance) for importance in (9, 8, 5, 0)] == [0, 1, 4, 9]


@pytest.mark.parametrize("importance", [-1, 10])
def test_importance_has_ten_steps(importance: int) -> None:
    """As many as ``priority_steps``."""
    with pytest.raises(ValueError, match=f"importance {importance}: must be 0 to 9"):
        redis_priority(importance)


def test_every_task_has_a_route_to_a_queue_that_exists() -> None:
    """A new task needs a line in ``config/queues.py``."""
    app.autodiscover_tasks(force=True)
    own = {name for name in app.tasks if name.startswith("judge.")}

    assert set(ROUTES) == own
    assert {route["queue"] for route in ROUTES.values()} == {queue.name for queue in QUEUES}
