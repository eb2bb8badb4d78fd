"""The lists in which kombu's Redis transport keeps the messages of a queue: seen while one is put, and put many."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from pytest_celery_perf.broker import client
from pytest_celery_perf.errors import BrokerError

BATCH = 500
"""Messages in one command: more are hardly cheaper, and the server serves nobody else meanwhile."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Put:
    """A message that kombu has put into a list."""

    key: str
    """Of the list, with the prefix of all keys."""
    text: str
    """The message as the list has it."""
    at_ns: int
    expires: bool
    """Whether the list is deleted some time after its last message was put."""


@contextmanager
def watched() -> Iterator[list[Put]]:
    """Note what this thread puts into lists meanwhile, by whatever app, and pass it on as it is.

    Yields:
        What was put so far.

    Source:
        ``kombu.transport.redis.Channel._put``: all that is not fanned out passes there.
    """
    from kombu.transport import redis

    transport: Any = redis
    channel_class: Any = transport.Channel
    seen: list[Put] = []
    thread = threading.get_ident()
    put_unseen = channel_class._put  # noqa: SLF001 - kombu has no public way to see a message on the wire

    def put(channel: Any, queue: str, message: dict[str, Any], **kwargs: Any) -> Any:
        if threading.get_ident() == thread:
            seen.append(_seen(transport, channel, queue, message))
        return put_unseen(channel, queue, message, **kwargs)

    channel_class._put = put  # noqa: SLF001 - likewise
    try:
        yield seen
    finally:
        channel_class._put = put_unseen  # noqa: SLF001 - likewise


def _seen(transport: Any, channel: Any, queue: str, message: dict[str, Any]) -> Put:
    priority = channel._get_message_priority(message, reverse=False)  # noqa: SLF001 - what its `_put` does
    key = channel._q_for_pri(queue, priority)  # noqa: SLF001 - likewise
    return Put(
        key=f"{channel.global_keyprefix}{key}",
        text=transport.dumps(message),
        at_ns=time.monotonic_ns(),
        expires=queue in getattr(channel, "_expires", {}),
    )


class Lists:
    """Puts messages into a broker's lists, past kombu; close it.

    Args:
        url: The broker's.
    """

    def __init__(self, url: str) -> None:
        self._redis = client.connect(url)

    def push(self, key: str, texts: Sequence[str]) -> None:
        """Put messages into a list, in this order.

        Args:
            key: The list's, with the prefix of all keys.
            texts: The messages, at most `BATCH`.

        Raises:
            BrokerError: The broker did not confirm it; it may have them nevertheless.
        """
        from redis.exceptions import RedisError

        try:
            self._redis.lpush(key, *texts)
        except (RedisError, OSError) as error:
            some = f"{len(texts)} message{'s' * (len(texts) != 1)}"
            raise BrokerError(f"the broker did not confirm {some} for {key!r}: {error}") from error

    def close(self) -> None:
        """Disconnect."""
        self._redis.close()
