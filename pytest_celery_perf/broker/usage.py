"""What a test leaves in its Redis, and how large its messages are there."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from pytest_celery_perf.broker import client
from pytest_celery_perf.errors import BrokerError
from pytest_celery_perf.guard.resources import keys_under

_KOMBU = (b"_kombu.binding", b"unacked")
"""How the keys begin in which kombu keeps for good what it needs, unless an app says otherwise.

Source:
    ``keyprefix_queue``, ``unacked_key``, ``unacked_index_key`` and ``unacked_mutex_key`` in kombu/transport/redis.py.
"""
_NO_TTL = -1
"""Source: the command PTTL."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stock:
    """What a server held at one moment."""

    memory_bytes: int
    """Of the whole server."""
    lasting: Mapping[str, bool]
    """Key to whether it has no TTL; without kombu's own, and without the queues."""


def stock(urls: Iterable[str], prefix: str = "") -> Stock:
    """Ask a server what it holds.

    Args:
        urls: Of its databases that are of interest.
        prefix: Only of keys that begin with it.

    Raises:
        BrokerError: It does not answer.
    """
    from redis.exceptions import RedisError

    lasting: dict[str, bool] = {}
    memory_bytes = 0
    try:
        for url in dict.fromkeys(urls):
            with client.connect(url) as redis:
                memory_bytes = int(redis.info("memory")["used_memory"])
                for keys in keys_under(redis, prefix):
                    lasting |= _lasting(redis, keys, prefix.encode())
    except (RedisError, OSError) as error:
        raise BrokerError(f"the broker does not tell what it holds: {error}") from error
    return Stock(memory_bytes=memory_bytes, lasting=lasting)


def _lasting(redis: Any, keys: list[bytes], prefix: bytes) -> dict[str, bool]:
    own = [key for key in keys if not key.removeprefix(prefix).startswith(_KOMBU)]
    with redis.pipeline(transaction=False) as at_once:
        for key in own:
            at_once.pttl(key)
            at_once.type(key)
        told = at_once.execute()
    answers = zip(own, told[::2], told[1::2], strict=True)
    # A list is a queue, which is gone with its last message.
    return {
        key.decode(errors="replace"): ttl == _NO_TTL for key, ttl, kind in answers if kind not in (b"list", b"none")
    }


@dataclass(slots=True)
class Scales:
    """Weighs the messages that this process puts into queues."""

    messages: Counter[str] = field(default_factory=Counter)
    """By queue."""
    bytes: Counter[str] = field(default_factory=Counter)

    @contextmanager
    def weighing(self) -> Iterator[None]:
        """Weigh until the block ends.

        Source:
            ``Channel._put`` in kombu/transport/redis.py: a message becomes JSON, the entry of a list.
        """
        from kombu.transport import redis as transport
        from kombu.utils.json import dumps

        channel_class: Any = transport.Channel
        put = channel_class._put  # noqa: SLF001 - there is no public way that all messages go

        def weighed(channel: Any, queue: str, message: dict[str, Any], **options: Any) -> Any:
            self.messages[queue] += 1
            self.bytes[queue] += len(dumps(message).encode())
            return put(channel, queue, message, **options)

        channel_class._put = weighed  # noqa: SLF001
        try:
            yield
        finally:
            channel_class._put = put  # noqa: SLF001
