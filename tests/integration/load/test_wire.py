"""What is published in bulk is, byte by byte, what the app would have published."""

from __future__ import annotations

import base64
import itertools
import json
import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from celery import Celery, Task, chain, group, signals
from kombu import Exchange, Producer, Queue
from redis import Redis

from pytest_celery_perf.broker.base import Endpoint
from pytest_celery_perf.broker.lists import Lists
from pytest_celery_perf.load.line import Line, Order
from pytest_celery_perf.load.mix import Kind
from pytest_celery_perf.model.load import Way
from pytest_celery_perf.probe import wire
from pytest_celery_perf.probe.orders import HEADER
from pytest_celery_perf.probe.publish import PublishTracker
from tests.servers import users_redis

UUID = re.compile(rb"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
TIME = re.compile(rb"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{6})?")
COUNT = 6


@pytest.fixture(scope="module")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Endpoint]:
    with users_redis(tmp_path_factory.mktemp("redis")) as server:
        yield server


class Shop:
    """An app on a real broker, whose messages nobody takes."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.app = Celery("shop", broker=url, set_as_current=False)
        self.records: list[Any] = []
        self.published: list[str] = []
        """The tasks whose messages were taken."""
        journal: Any = SimpleNamespace(write=self.records.append, ring=lambda: None)
        self.trial: Any = SimpleNamespace(
            journal=journal, tracker=PublishTracker(journal, lambda: {"t": "token"}, lambda: None)
        )
        self.redis = Redis.from_url(url)

    def task(self) -> Any:
        """Register a task that takes anything."""

        def charge(*args: Any, **kwargs: Any) -> None:
            """Do nothing."""

        return self.app.task(name="shop.charge", shared=False)(charge)

    def line(self, kind: Kind, *, bulk: bool = True) -> Line:
        """Return a line, with which tasks were published."""
        lists = Lists(self.url)
        line = Line(kind, self.trial, lists, bulk=bulk)
        line.publish([Order(number, None) for number in range(COUNT)])
        lists.close()
        return line

    def take(self) -> dict[str, list[bytes]]:
        """Return the messages that were published since the last time, without ids and times, by list."""
        keys = sorted(key.decode() for key in self.redis.scan_iter("*") if self.redis.type(key) == b"list")
        lists: dict[str, Any] = {key: self.redis.lrange(key, 0, -1) for key in keys}
        self.published += [json.loads(each)["headers"]["id"] for each in itertools.chain(*lists.values())]
        messages = {key: [_plain(each) for each in reversed(lists[key])] for key in keys}
        if keys:
            self.redis.delete(*keys)  # bindings stay: nobody declares them again
        return messages

    @property
    def ids(self) -> list[str]:
        """The tasks that were recorded as published for sure."""
        single = [each.id for each in self.records if isinstance(each, wire.Published)]
        return single + [task for each in self.records if isinstance(each, wire.Bulk) for task in each.ids]


def _plain(message: bytes) -> bytes:
    """Replace times, and ids by their order: which of them are the same still shows."""
    ids: dict[bytes, bytes] = {}
    numbered = UUID.sub(lambda match: ids.setdefault(match[0], b"<id %d>" % len(ids)), message)
    return TIME.sub(b"<time>", numbered)


@pytest.fixture
def shop(redis_server: Endpoint) -> Iterator[Shop]:
    shop = Shop(redis_server.url(3))
    shop.trial.tracker.connect()
    yield shop
    shop.trial.tracker.disconnect()
    shop.redis.flushdb()
    shop.redis.close()
    shop.app.close()


def same_by(shop: Shop, kind: Kind) -> dict[str, list[bytes]]:
    """Publish tasks in bulk and one by one; the messages are the same, and all are recorded."""
    line = shop.line(kind)
    assert (line.published.way, line.published.reason) == (Way.COPIES, "")
    copied = shop.take()
    assert sorted(shop.published) == sorted(shop.ids)
    assert len(set(shop.ids)) == COUNT
    for number in range(COUNT):
        kind.publish(number)
    singly = shop.take()
    assert singly == copied
    assert [COUNT] == [len(each) for each in copied.values()]
    return copied


OPTIONS: Sequence[dict[str, Any]] = (
    {},
    {"priority": 5},
    {"queue": "invoices", "time_limit": 30, "soft_time_limit": 20},
    {"countdown": 90},
    {"expires": 600, "countdown": 5},
    {"headers": {"tenant": 'ä % \\ " %(id)s'}},
    {"serializer": "pickle"},
    {"compression": "gzip"},
    {"shadow": "shop.charge.now", "ignore_result": True},
    {"delivery_mode": 1},
)


@pytest.mark.parametrize("options", OPTIONS, ids=str)
@pytest.mark.parametrize("varied", [False, True], ids=["alike", "varied"])
def test_copies_are_the_messages_of_the_app(shop: Shop, options: dict[str, Any], *, varied: bool) -> None:
    signature = shop.task().s().set(**options)
    args: Any = (lambda number: (number, "ü %s", [number] * number)) if varied else (1, "ü %s", ["a"])
    same_by(shop, Kind(task=signature, args=args, kwargs={"currency": "€", "rate": 1.5}))


@pytest.mark.parametrize(
    "transport",
    [{"global_keyprefix": "shop:"}, {"sep": ":", "priority_steps": [0, 4, 8], "global_keyprefix": "p."}],
    ids=str,
)
def test_copies_go_where_the_transport_options_say(shop: Shop, transport: dict[str, Any]) -> None:
    shop.app.conf.broker_transport_options = transport
    messages = same_by(shop, Kind(task=shop.task().s().set(priority=4)))
    assert all(key.startswith(transport["global_keyprefix"]) for key in messages)


def test_copies_are_routed_as_the_app_says(shop: Shop) -> None:
    shop.app.conf.task_queues = [Queue("europe", Exchange("orders", "topic"), routing_key="orders.eu.#")]
    shop.app.conf.task_routes = {"shop.*": {"queue": "europe", "routing_key": "orders.eu.de", "exchange": "orders"}}
    assert same_by(shop, Kind(task=shop.task())).keys() == {"europe"}


def test_what_a_receiver_of_the_apps_signal_adds_is_in_the_copies(shop: Shop) -> None:
    def add(headers: dict[str, Any], **_: Any) -> None:
        headers["trace"] = f"span of {headers['id']}"

    signals.before_task_publish.connect(add)
    try:
        messages = same_by(shop, Kind(task=shop.task()))
    finally:
        signals.before_task_publish.disconnect(add)
    assert all(b'"id": "<id 0>"' in each and b'"trace": "span of <id 0>"' in each for each in messages["celery"])


def test_the_header_that_has_a_task_recorded_is_in_all(shop: Shop) -> None:
    messages = same_by(shop, Kind(task=shop.task()))
    assert all(f'"{HEADER}": {{"t": "token"}}'.encode() in each for each in messages["celery"])


def _counting() -> Callable[..., None]:
    def count(headers: dict[str, Any], **_: Any) -> None:
        headers["serial"] = count.serial = getattr(count, "serial", 0) + 1  # type: ignore[attr-defined]

    return count


def test_messages_that_differ_in_more_are_the_apps_own(shop: Shop) -> None:
    receiver = _counting()
    signals.before_task_publish.connect(receiver)
    try:
        line = shop.line(Kind(task=shop.task()))
    finally:
        signals.before_task_publish.disconnect(receiver)
    assert line.published.way is (Way.BATCHES if hasattr(Producer, "batch") else Way.SINGLY)
    assert line.published.reason == "its messages differ in headers.serial"
    (messages,) = shop.take().values()
    assert [f'"serial": {number}'.encode() in each for number, each in enumerate(messages, 1)] == [True] * COUNT
    assert len(set(shop.ids)) == COUNT


def test_the_links_of_a_chain_have_ids_of_their_own(shop: Shop) -> None:
    task = shop.task()
    line = shop.line(Kind(task=chain(task.si(1), task.si(2))))
    assert line.published.reason == "its messages differ in the body"
    (messages,) = shop.take().values()
    assert len(messages) == COUNT


def test_the_links_of_a_chain_have_ids_of_their_own_beside_arguments_of_their_own(shop: Shop) -> None:
    task = shop.task()
    line = shop.line(Kind(task=chain(task.s(), task.si(2)), args=lambda number: (number,)))
    assert line.published.way is (Way.BATCHES if hasattr(Producer, "batch") else Way.SINGLY)
    assert line.published.reason == "its messages differ in what follows the arguments"
    (messages,) = shop.take().values()
    links = [json.loads(base64.b64decode(json.loads(each)["body"]))[2]["chain"] for each in messages]
    assert len({each["options"]["task_id"] for (each,) in links}) == COUNT


def test_a_group_is_published_by_the_app(shop: Shop) -> None:
    task = shop.task()
    line = shop.line(Kind(task=group(task.si(1), task.si(2))))
    assert (line.published.way, line.published.reason) == (Way.SINGLY, "to publish it put 2 messages into the broker")
    assert len(set(shop.ids)) == 2 * COUNT


def test_what_is_not_published_at_once_is_left_to_the_app(shop: Shop) -> None:
    waits_for_a_commit: Any = SimpleNamespace(name="shop.charge", app=shop.app, apply_async=lambda **_: None)
    line = shop.line(Kind(task=waits_for_a_commit))
    assert line.published.way is Way.SINGLY
    assert line.published.reason == "to publish it put 0 messages into the broker, none of which can be tracked"
    assert shop.take() == {}


def test_who_routes_by_arguments_is_asked_for_each(shop: Shop) -> None:
    def route(name: str, args: Sequence[Any], *_: Any, **__: Any) -> dict[str, str]:
        return {"queue": f"shop{args[0] % 2}"}

    shop.app.conf.task_routes = (route,)
    line = shop.line(Kind(task=shop.task(), args=lambda number: (2 * (number < 2) or number,)))
    assert line.published.reason == "a function routes it, which may look at its arguments"
    assert {key: len(each) for key, each in shop.take().items()} == {"shop0": 4, "shop1": 2}


def test_a_receiver_may_look_at_arguments(shop: Shop) -> None:
    def shard(headers: dict[str, Any], body: Any, **_: Any) -> None:
        headers["shard"] = body[0][0] // 4

    signals.before_task_publish.connect(shard)
    try:
        line = shop.line(Kind(task=shop.task(), args=lambda number: (number,)))
    finally:
        signals.before_task_publish.disconnect(shard)
    assert line.published.reason.endswith("shard receives before_task_publish, which may look at its arguments")
    (messages,) = shop.take().values()
    assert [json.loads(each)["headers"]["shard"] for each in messages] == [0, 0, 0, 0, 1, 1]


def test_a_receiver_of_other_tasks_does_not_count(shop: Shop) -> None:
    receiver = _counting()
    signals.before_task_publish.connect(receiver, sender="shop.refund")
    try:
        same_by(shop, Kind(task=shop.task(), args=lambda number: (number,)))
    finally:
        signals.before_task_publish.disconnect(receiver, sender="shop.refund")


def test_a_task_that_publishes_itself_may_look_at_arguments(shop: Shop) -> None:
    class Sharded(Task):  # type: ignore[type-arg]  # it has none when it runs
        name = "shop.shard"

        def apply_async(self, args: Any = None, kwargs: Any = None, **options: Any) -> Any:  # type: ignore[override, explicit-override]
            return super().apply_async(args, kwargs, **{**options, "queue": f"shop{args[0] // 4}"})

    task = shop.app.register_task(Sharded())
    line = shop.line(Kind(task=task, args=lambda number: (number,)))
    assert line.published.reason.endswith("Sharded.apply_async publishes it, which may look at its arguments")
    assert {key: len(each) for key, each in shop.take().items()} == {"shop0": 4, "shop1": 2}


def test_what_the_app_makes_of_arguments_is_not_guessed(shop: Shop) -> None:
    line = shop.line(Kind(task=shop.task().s("first"), args=lambda number: (number,)))
    assert line.published.reason == "the app does something of its own with its arguments"
    assert len(set(shop.ids)) == COUNT


def test_one_by_one_if_the_test_says_so(shop: Shop) -> None:
    line = shop.line(Kind(task=shop.task()), bulk=False)
    assert (line.published.way, line.published.reason) == (Way.SINGLY, "bulk=False")
    assert not [each for each in shop.records if isinstance(each, wire.Bulk)]
    assert len(set(shop.ids)) == COUNT


def test_what_the_broker_did_not_confirm_is_recorded_as_that(shop: Shop, tmp_path: Path) -> None:
    from pytest_celery_perf.errors import BrokerError

    line = shop.line(Kind(task=shop.task()))
    line._lists = Lists(f"unix://{tmp_path}/nobody")
    with pytest.raises(BrokerError, match="the broker did not confirm 3 messages for 'celery'"):
        line.publish([Order(number, None) for number in range(3)])
    bulk = shop.records[-1]
    assert (bulk.confirmed, len(bulk.ids)) == (False, 3)
