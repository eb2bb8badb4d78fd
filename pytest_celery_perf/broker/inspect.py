"""Questions about the messages in a broker, asked through the app's own kombu objects.

Only kombu knows under which keys an app's messages lie: separators, priority steps and prefixes are
transport options. All functions take an app whose broker URL is the test's already, and raise
`BrokerError` if that broker does not answer.
"""

from __future__ import annotations

import contextlib
import itertools
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from pytest_celery_perf.broker import client
from pytest_celery_perf.broker.base import Broker
from pytest_celery_perf.errors import BrokerError
from pytest_celery_perf.guard.resources import keys_under

if TYPE_CHECKING:
    from celery import Celery

_BINDINGS = b"_kombu.binding"
_TIMEOUT_S = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Unacked:
    """A message that a worker has received and not acknowledged."""

    task_id: str
    tag: str
    """Its delivery tag, by which it can be restored."""
    task: str | None
    """The task's name, where the message says it."""
    received_s: float
    """When it was received, or its visibility last extended: seconds since the epoch, by the worker's clock."""
    scheduled: bool = False
    """Whether its worker only holds it until its ETA, which is still to come."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Contents:
    """Where a broker has its messages, at one moment."""

    queues: tuple[tuple[str, tuple[str, ...]], ...]
    """(queue, ids of the tasks that wait in it, the next one first)."""
    unacked: tuple[Unacked, ...]
    """In order of receipt."""


def queue_depths(app: Celery, queues: Iterable[str], timeout_s: float = _TIMEOUT_S) -> dict[str, int]:
    """Return how many messages wait in each queue, over all priorities.

    Args:
        app: The app.
        queues: Names; a queue that does not exist is empty.
        timeout_s: Longest wait for each answer.
    """
    with _channel(app, timeout_s) as channel:
        return {queue: channel._size(queue) for queue in queues}  # noqa: SLF001 - the public way declares the queue


def unacked_ids(app: Celery, timeout_s: float = _TIMEOUT_S) -> tuple[Unacked, ...]:
    """Return the messages that were received and not acknowledged, in order of receipt.

    Args:
        app: The app.
        timeout_s: Longest wait for each answer.
    """
    return contents(app, (), timeout_s).unacked


def contents(app: Celery, queues: Iterable[str], timeout_s: float = _TIMEOUT_S) -> Contents:
    """Return where the messages are, all as of the same moment.

    Args:
        app: The app.
        queues: Names of those to look into.
        timeout_s: Longest wait for each answer.
    """
    names = dict.fromkeys(queues)
    with _channel(app, timeout_s) as channel:
        keys = {name: _keys_of(name, channel) for name in names}
        with _plain(channel).pipeline(transaction=True) as at_once:
            for key in itertools.chain.from_iterable(keys.values()):
                at_once.lrange(key, 0, -1)
            at_once.hgetall(_prefixed(channel, channel.unacked_key))
            at_once.zrange(_prefixed(channel, channel.unacked_index_key), 0, -1, withscores=True)
            *lists, messages, scores = at_once.execute()
    waiting = iter(lists)
    received = dict(scores)
    found = [_unacked(tag, message, received.get(tag, 0.0)) for tag, message in messages.items()]
    return Contents(
        queues=tuple((name, tuple(_ids(itertools.islice(waiting, len(keys[name]))))) for name in names),
        unacked=tuple(sorted(found, key=lambda message: message.received_s)),
    )


def restore(app: Celery, tags: Iterable[str]) -> list[str]:
    """Put messages back into their queues, as the sweep would once the visibility timeout has passed.

    Args:
        app: The app.
        tags: The delivery tags of messages whose worker is dead; never those of a living one, which
            would run them a second time.

    Returns:
        The tags of those that there were to restore.

    Source: kombu.transport.redis.QoS.restore_by_tag.
    """
    restored = []
    with _channel(app) as channel:
        redis, key = _plain(channel), _prefixed(channel, channel.unacked_key)
        for tag in tags:
            if redis.hexists(key, tag):
                restored.append(tag)
            channel.qos.restore_by_tag(tag)
    return restored


def deliver_again(app: Celery, queue: str, content: dict[str, Any], *, redelivered: bool) -> None:
    """Put a copy of a message into a queue.

    Args:
        app: The app.
        queue: Its name; need not be that in which the message was.
        content: The message, as kombu puts it into a queue.
        redelivered: Whether it says so, as after a visibility timeout that passed too early.

    Source: kombu.transport.redis.Channel, _do_restore_message.
    """
    properties = content["properties"]
    with _channel(app) as channel:
        copy = {
            **content,
            "headers": {**content["headers"], **({"redelivered": True} if redelivered else {})},
            "properties": {
                **properties,
                "delivery_info": {**properties.get("delivery_info", {}), "redelivered": redelivered},
                # Else the acknowledgment of the one would take away the other.
                "delivery_tag": channel._next_delivery_tag(),  # noqa: SLF001 - no public way
            },
        }
        channel._put(queue, copy)  # noqa: SLF001 - the public way declares the queue


def purge(app: Celery, queues: Iterable[str]) -> int:
    """Delete the messages that wait in queues.

    Args:
        app: The app.
        queues: Names.

    Returns:
        How many there were.
    """
    with _channel(app) as channel:
        return sum(channel._purge(queue) for queue in queues)  # noqa: SLF001 - the public way declares the queue


def flush(broker: Broker, db: int = 0) -> None:
    """Empty a database of a server of our own, but for the bindings of its queues.

    A worker or a publisher that is connected has declared its queues once and will not do so again:
    without their bindings every message to them would be undeliverable.

    Args:
        broker: The broker.
        db: Number of the database.

    Raises:
        BrokerError: The server is the user's.
    """
    if broker.kind == "external":
        raise BrokerError(f"{broker.description} is not ours to flush: purge the queues instead")
    with client.connect(broker.url(db)) as redis:
        for keys in keys_under(redis, ""):
            if doomed := [key for key in keys if _BINDINGS not in key]:
                redis.unlink(*doomed)


def empty(broker: Broker) -> None:
    """Empty all databases of a server of our own to which nobody is connected.

    Args:
        broker: The broker.
    """
    with client.connect(broker.url(0)) as redis:
        redis.flushall()


@contextlib.contextmanager
def _channel(app: Celery, timeout_s: float = _TIMEOUT_S) -> Iterator[Any]:
    """Yield a channel on a connection of its own; only kombu's Redis transport has what is asked of it here.

    Raises:
        BrokerError: The broker does not answer.
    """
    timeouts = {"socket_timeout": timeout_s, "socket_connect_timeout": timeout_s}  # kombu would wait for ever
    with app.connection_for_read(transport_options=timeouts) as connection:
        try:
            with connection.channel() as channel:
                yield channel
        except connection.connection_errors as error:
            raise BrokerError(f"the broker does not answer at {connection.as_uri()}: {error}") from error


def _plain(channel: Any) -> Any:
    """Return a client that takes keys literally: which commands kombu prefixes depends on its version."""
    from redis import Redis

    return Redis(connection_pool=channel.pool)


def _prefixed(channel: Any, key: str) -> str:
    return f"{channel.global_keyprefix}{key}"


def _keys_of(queue: str, channel: Any) -> list[str]:
    """Return the keys of a queue's lists, one for each priority, those first that are served first."""
    named = (channel._q_for_pri(queue, step) for step in channel.priority_steps)  # noqa: SLF001 - no public way
    return [_prefixed(channel, key) for key in named]


def _unacked(tag: bytes, text: bytes, received_s: float) -> Unacked:
    message, _exchange, _routing_key = json.loads(text)
    headers = message.get("headers") or {}
    return Unacked(
        task_id=_id_of(message),
        tag=tag.decode(),
        task=headers.get("task"),
        received_s=received_s,
        scheduled=_is_to_come(headers.get("eta")),
    )


def _ids(lists: Iterable[list[bytes]]) -> Iterator[str]:
    """Yield the tasks of a queue's lists, which come by priority; a list is served from its end."""
    for messages in lists:
        yield from (_id_of(json.loads(text)) for text in reversed(messages))


def _id_of(message: dict[str, Any]) -> str:
    headers = message.get("headers") or {}
    return str(headers.get("id") or message.get("properties", {}).get("correlation_id"))


def _is_to_come(eta: str | None) -> bool:
    if not eta:
        return False
    instant = datetime.fromisoformat(eta)
    return (instant if instant.tzinfo else instant.replace(tzinfo=UTC)) > datetime.now(UTC)
