"""Direct connections to a server, and waiting for one to answer.

A client made here tries once: whether a server answers is the question, not an accident to be
hidden by redis-py's own retries.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from pytest_celery_perf.errors import BrokerError

if TYPE_CHECKING:
    from redis import Redis

_START_TIMEOUT_S = 30.0
_POLL_S = 0.002


def connect(url: str, timeout_s: float = 5.0) -> Redis:
    """Return a client of a database; close it, or use it as a context manager.

    Args:
        url: Of the database.
        timeout_s: Longest wait for the connection and for each answer.
    """
    from redis import Redis
    from redis.backoff import NoBackoff
    from redis.retry import Retry

    return Redis.from_url(
        url, socket_timeout=timeout_s, socket_connect_timeout=timeout_s, retry=Retry(NoBackoff(), 0), protocol=2
    )


def answers(url: str, timeout_s: float = 1.0) -> bool:
    """Whether a server answers PING there, to this password."""
    from redis.exceptions import RedisError

    try:
        with connect(url, timeout_s) as redis:
            return bool(redis.ping())
    except (RedisError, OSError):
        return False


def drop_connections(url: str, database: str) -> int:
    """Have a server close all connections to a database.

    Args:
        url: Of the server.
        database: The database's number.

    Returns:
        How many there were.

    Source:
        The command CLIENT LIST: ``db`` is the database that a connection has selected.
    """
    with connect(url) as redis:
        own = redis.client_id()
        victims = [each["id"] for each in redis.client_list() if each["db"] == database and int(each["id"]) != own]
        return sum(redis.client_kill_filter(_id=victim) for victim in victims)


def listeners(url: str, database: str) -> frozenset[str]:
    """Return the addresses of those who wait for a message in a database, right now.

    Args:
        url: Of the server.
        database: The database's number.

    Source:
        The command CLIENT LIST: of the ``flags``, ``b`` is for a client that waits in a blocking operation.
    """
    with connect(url) as redis:
        return frozenset(
            each["addr"] for each in redis.client_list() if each["db"] == database and "b" in each["flags"]
        )


def wait_until(ready: Callable[[], bool], what: str, timeout_s: float = _START_TIMEOUT_S) -> None:
    """Ask until a condition holds.

    Args:
        ready: The condition; what it raises ends the wait.
        what: What was awaited, for the message.
        timeout_s: Longest wait.

    Raises:
        BrokerError: It did not hold in time.
    """
    deadline = time.monotonic() + timeout_s
    while not ready():
        if time.monotonic() > deadline:
            raise BrokerError(f"{what}: not within {timeout_s:g}s")
        time.sleep(_POLL_S)
