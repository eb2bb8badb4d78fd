from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from celery import Celery
from kombu import Exchange, Queue

from pytest_celery_perf.broker import inspect
from pytest_celery_perf.broker.base import Broker, Endpoint
from pytest_celery_perf.broker.shared import attach
from pytest_celery_perf.errors import BrokerError

OPTIONS: list[dict[str, Any]] = [
    {},
    {"global_keyprefix": "celery-perf:run:"},
    {"sep": ":", "priority_steps": [0, 4, 8], "global_keyprefix": "shop:"},
]


@pytest.fixture(params=OPTIONS, ids=str)
def app(request: pytest.FixtureRequest, broker: Broker) -> Iterator[Celery]:
    with Celery("shop", broker=broker.url(1), set_as_current=False) as app:
        app.conf.broker_transport_options = request.param
        app.conf.task_create_missing_queues = True
        yield app


@pytest.fixture
def plain_app(broker: Broker) -> Iterator[Celery]:
    with Celery("shop", broker=broker.url(1), set_as_current=False) as app:
        yield app


@contextmanager
def received(app: Celery, queue: str, count: int) -> Iterator[list[str]]:
    """Receive messages and do not acknowledge them while the block runs; yield their delivery tags."""
    with app.connection_for_read() as connection, connection.channel() as opened:
        channel: Any = opened
        channel.qos.restore_at_shutdown = False
        messages = [channel.basic_get(queue) for _ in range(count)]
        yield [str(message.delivery_tag) for message in messages]
        for message in messages:
            channel.qos._delivered.pop(message.delivery_tag, None)


def test_queue_depths_count_all_priorities(app: Celery) -> None:
    for priority in (0, 4, 9):
        app.send_task("pay", queue="checkout", priority=priority)
    app.send_task("mail", queue="mail")

    assert inspect.queue_depths(app, ["checkout", "mail", "never"]) == {"checkout": 3, "mail": 1, "never": 0}


def test_what_was_received_and_not_acknowledged_is_found_and_restored(app: Celery) -> None:
    ids = {app.send_task("pay", queue="checkout").id for _ in range(3)}

    with received(app, "checkout", 2) as tags:
        held = inspect.unacked_ids(app)

        assert [message.tag for message in held] == tags
        assert {message.task_id for message in held} < ids
        assert {message.task for message in held} == {"pay"}
        assert held[0].received_s <= held[1].received_s
        assert inspect.queue_depths(app, ["checkout"]) == {"checkout": 1}

        assert inspect.restore(app, [*tags, "no such tag"]) == tags
        assert inspect.restore(app, tags) == []

    assert inspect.unacked_ids(app) == ()
    assert inspect.queue_depths(app, ["checkout"]) == {"checkout": 3}


def test_contents_tell_each_message_where_it_is(app: Celery) -> None:
    late, first, second = (app.send_task("pay", queue="checkout", priority=priority).id for priority in (9, 0, 0))
    mail = app.send_task("mail", queue="mail", countdown=3600).id
    paid = app.send_task("paid", queue="paid").id

    with received(app, "mail", 1), received(app, "paid", 1):
        found = inspect.contents(app, ["checkout", "never", "mail", "checkout"])

    assert (("checkout", (first, second, late)), ("never", ()), ("mail", ())) == found.queues
    assert {mail: True, paid: False} == {message.task_id: message.scheduled for message in found.unacked}


def test_purge_deletes_what_waits_and_says_how_many(app: Celery) -> None:
    for priority in (0, 9):
        app.send_task("pay", queue="checkout", priority=priority)
    app.send_task("mail", queue="mail")

    assert inspect.purge(app, ["checkout"]) == 2
    assert inspect.queue_depths(app, ["checkout", "mail"]) == {"checkout": 0, "mail": 1}


def test_flush_empties_one_database(app: Celery, broker: Broker) -> None:
    app.send_task("pay", queue="checkout")
    with received(app, "checkout", 1):
        app.send_task("pay", queue="checkout", priority=9)

        inspect.flush(broker, 0)
        assert inspect.queue_depths(app, ["checkout"]) == {"checkout": 1}

        inspect.flush(broker, 1)
        assert inspect.queue_depths(app, ["checkout"]) == {"checkout": 0}
        assert inspect.unacked_ids(app) == ()


def test_flush_keeps_the_bindings_that_a_connected_publisher_has_declared(app: Celery, broker: Broker) -> None:
    app.conf.task_queues = [Queue("checkout", Exchange("shop", type="topic"), routing_key="pay.#")]
    with app.connection_for_write() as connection, app.amqp.Producer(connection) as producer:
        for _ in range(2):
            app.send_task("pay", queue="checkout", routing_key="pay.now", producer=producer)
            assert inspect.queue_depths(app, ["checkout"]) == {"checkout": 1}

            inspect.flush(broker, 1)
            assert inspect.queue_depths(app, ["checkout"]) == {"checkout": 0}


def test_a_server_of_the_user_is_never_flushed(broker: Broker) -> None:
    theirs = Endpoint(kind="external", description="theirs", address=broker.url(0), databases=1, key_prefix="x:")

    with pytest.raises(BrokerError, match="external: theirs is not ours to flush"):
        inspect.flush(attach(theirs.dump()))


def test_a_dead_broker_is_said_to_be_dead(plain_app: Celery, broker: Broker) -> None:
    broker.kill()

    with pytest.raises(BrokerError, match=r"the broker does not answer at redis://:\*\*@127\.0\.0\.1"):
        inspect.queue_depths(plain_app, ["celery"])
