"""What the scenes do besides: two workers of one kind, and a look into the broker."""

from __future__ import annotations

import importlib.util
import select
import time
from collections.abc import Callable
from typing import Any

import pytest
from kombu.transport.redis import Channel
from redis import Redis

PATIENCE_S = 60.0
CANCELLING = {"worker_cancel_long_running_tasks_on_connection_loss": True}
with_gevent = pytest.mark.skipif(importlib.util.find_spec("gevent") is None, reason="needs gevent")

looks_often = pytest.mark.skipif(
    not hasattr(Channel, "unacked_restore_interval"), reason="this kombu looks every 100 s, whatever is configured"
)


def peers(**options: Any) -> Callable[[Any], Any]:
    """Have two workers of one slot each, which consume the same queue.

    Args:
        options: Of ``celery_worker``.
    """
    options = {"concurrency": 1, "prefetch": 1, **options}

    def mark(scene: Any) -> Any:
        for name in ("one", "other"):
            scene = pytest.mark.celery_worker(name=name, **options)(scene)
        return scene

    return mark


def holder(celery_perf: Any, execution: Any) -> Any:
    """Return the worker that runs an execution."""
    return next(each for each in celery_perf.workers if each.launch.node == execution.worker)


def await_end(worker: Any) -> None:
    """Wait until a worker has ended."""
    assert select.select([worker.exit_fd], [], [], PATIENCE_S)[0], f"{worker.launch.node} has not ended"


def await_line(worker: Any, words: str) -> None:
    """Wait until a worker has printed something."""
    _await(lambda: any(words in line for line in worker.log_tail(200)), f"{worker.launch.node} has not said {words!r}")


def await_expiry(celery_perf: Any) -> None:
    """Wait until a worker has thrown a message away because that had expired."""
    _await(
        lambda: any(each.expired for each in celery_perf.history.publications),
        "no worker has found that the message had expired",
    )


def await_held(celery_perf: Any, count: int) -> None:
    """Wait until workers hold so many messages, and no other."""
    with redis(celery_perf) as client:
        _await(lambda: client.zcard("unacked_index") == count, f"the workers do not hold {count} messages")


def _await(happened: Callable[[], bool], complaint: str) -> None:
    deadline_s = time.monotonic() + PATIENCE_S
    while not happened():
        assert time.monotonic() < deadline_s, complaint
        time.sleep(0.01)


def redis(celery_perf: Any) -> Redis:
    """Return a client of the broker's database that the workers use."""
    return Redis.from_url(celery_perf.workers[0].launch.probe.broker_url)


def await_listener(celery_perf: Any) -> None:
    """Wait until the broker knows that a worker waits for a message."""
    with redis(celery_perf) as client:
        _await(lambda: _listens(client), "no worker waits for a message")


def await_silence(celery_perf: Any) -> None:
    """Wait until no worker asks for messages any more; between two questions there is less than a millisecond."""
    deadline_s = time.monotonic() + PATIENCE_S
    silent = 0
    with redis(celery_perf) as client:
        while silent < 5:
            assert time.monotonic() < deadline_s, "a worker still asks for messages"
            silent = 0 if _listens(client) else silent + 1
            time.sleep(0.01)


def _listens(client: Redis) -> bool:
    return any("b" in each["flags"] for each in client.client_list())
