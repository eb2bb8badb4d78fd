"""Who waits at the broker for messages: what is published while one of them is going is lost, as in production."""

from __future__ import annotations

from collections.abc import Collection

from redis import Redis

from pytest_celery_perf import CeleryPerf


def listeners(celery_perf: CeleryPerf) -> set[str]:
    """Return the connections of workers that wait for a message right now."""
    with Redis.from_url(celery_perf.broker.url()) as redis:
        return {client["id"] for client in redis.client_list() if "b" in client["flags"]}


def await_listeners(celery_perf: CeleryPerf, count: int = 1, *, but: Collection[str] = ()) -> set[str]:
    """Return once so many wait, those left out that waited before."""
    while len(found := listeners(celery_perf).difference(but)) < count:
        pass
    return found


def await_end_of(celery_perf: CeleryPerf, gone: set[str]) -> None:
    """Return once the broker has noticed that some wait no longer."""
    while listeners(celery_perf) & gone:
        pass
