"""A backlog of tasks that do nothing, put into a broker at once."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from typing import Any, cast
from uuid import uuid4

import redis
from kombu import Connection

from pytest_celery_perf.probe.orders import HEADER

QUEUE = "celery"
_ASIDE = "aside"
_UNHEARD = "unheard"
_PATIENCE_S = 300.0


class Backlog:
    """Tasks that wait for a worker, aside until `release`.

    One message is published by Celery itself. The others are its copies with ids of their own:
    publishing each would take longer than running it.

    Args:
        app: The Celery app.
        url: The broker.
        count: How many tasks.
    """

    def __init__(self, app: Any, url: str, count: int) -> None:
        self.ids = {str(uuid4()) for _ in range(count)}
        self._redis = redis.Redis.from_url(url)
        with Connection(url) as connection:
            # The header is what makes the probe record a task; a worker without a probe ignores it.
            headers = {HEADER: {"t": "backlog"}}
            app.send_task("warehouse.nothing", connection=connection, queue=_UNHEARD, headers=headers)
        template = json.loads(cast("bytes", self._redis.lpop(_UNHEARD)))
        for ids in _batches(sorted(self.ids), 1000):
            self._redis.lpush(_ASIDE, *(_copy(template, task_id) for task_id in ids))

    def release(self) -> None:
        """Let the workers have them."""
        self._redis.rename(_ASIDE, QUEUE)

    def wait(self, pause: Callable[[int], object], left: int = 0) -> None:
        """Wait until the broker holds no more than so many of them.

        Args:
            pause: Called between two looks with the number of those that must still go; takes a while.
            left: How many, those included that a worker holds unacknowledged.

        Raises:
            TimeoutError: It takes five minutes.
        """
        deadline = time.monotonic() + _PATIENCE_S
        # Between its queue and the hash of the unacknowledged a message is nowhere: look twice.
        while (held := self._held) > left or (held := self._held) > left:
            if time.monotonic() > deadline:
                raise TimeoutError(f"{held} tasks are left after {_PATIENCE_S:.0f} s")
            pause(held - left)

    @property
    def _held(self) -> int:
        return int(self._redis.llen(QUEUE)) + int(self._redis.hlen("unacked"))


def _copy(template: dict[str, Any], task_id: str) -> str:
    headers = {**template["headers"], "id": task_id, "root_id": task_id}
    properties = {
        **template["properties"],
        "correlation_id": task_id,
        "delivery_tag": task_id,
        "delivery_info": {"exchange": "", "routing_key": QUEUE},
    }
    return json.dumps({**template, "headers": headers, "properties": properties})


def _batches(ids: list[str], size: int) -> Iterator[list[str]]:
    return (ids[start : start + size] for start in range(0, len(ids), size))
