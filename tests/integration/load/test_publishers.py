"""Processes that publish copies when they are due."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from redis import Redis

from pytest_celery_perf.broker.base import Endpoint
from pytest_celery_perf.errors import BrokerError, ConfigurationError
from pytest_celery_perf.load.line import Order
from pytest_celery_perf.load.publishers import Publishers
from pytest_celery_perf.load.template import Template
from pytest_celery_perf.model.load import Published, Way
from pytest_celery_perf.probe import lines, wire
from pytest_celery_perf.probe.journal import Journal
from tests.servers import users_redis

LIKE = wire.Publishing(0, "token", "sample", None, None, "shop.charge", 0, "orders", 3, None, None, 0)
TEMPLATE = Template(key="orders", text='{"id": "%(id)s", "tag": "%(tag)s", "body": %(body)s}', moving={}, at_ns=0)


@pytest.fixture(scope="module")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Endpoint]:
    with users_redis(tmp_path_factory.mktemp("redis")) as server:
        yield server


def trial_at(url: str, folder: Path) -> Any:
    """What publishers need to know of a test."""
    spool, doorbell = folder / "spool", folder / "doorbell"
    spool.mkdir()
    os.mkfifo(doorbell)
    return SimpleNamespace(
        pool=SimpleNamespace(
            probe=SimpleNamespace(broker_url=url, broker_write_url=None, doorbell=str(doorbell)),
        ),
        journal=Journal(str(spool), str(doorbell), "test"),
        attend=lambda until_s: time.sleep(max(0.0, until_s - time.monotonic())),
    )


def line(template: Template | None = TEMPLATE) -> Any:
    """A line whose tasks have their number as their arguments."""
    return SimpleNamespace(
        template=template,
        like=LIKE,
        kind=SimpleNamespace(name="shop.charge"),
        published=Published(task="shop.charge", way=Way.BATCHES, reason="its messages differ in the body"),
        blanks=lambda order: {"body": str(order.number)},
    )


def records(folder: Path) -> dict[str, list[wire.Record]]:
    """What each process has written down."""
    files = sorted((folder / "spool").glob("*.jsonl"))
    return {file.name: [lines.decode(each) for each in file.read_bytes().splitlines()] for file in files}


def test_each_publishes_its_part_when_it_is_due(redis_server: Endpoint, tmp_path: Path) -> None:
    orders = [Order(number, number * 10_000_000) for number in range(40)]
    with Publishers(2, trial_at(redis_server.url(5), tmp_path)) as publishers:
        publishers.prepare([(line(), orders)])
        with Redis.from_url(redis_server.url(5)) as redis:
            assert redis.llen("orders") == 0, "what is due waits for the beginning"
        began_ns = time.monotonic_ns()
        publishers.begin(began_ns)
        publishers.finish()
    with Redis.from_url(redis_server.url(5)) as redis:
        lists: Any = redis.lrange("orders", 0, -1)
        messages = [json.loads(each) for each in lists]
    assert sorted(each["body"] for each in messages) == list(range(40))
    written = records(tmp_path)
    assert len(written) == 2
    bulks = [each for told in written.values() for each in told if isinstance(each, wire.Bulk)]
    assert {each["id"] for each in messages} == {task_id for bulk in bulks for task_id in bulk.ids}
    assert sorted(due_ns for bulk in bulks for due_ns in bulk.intended_ns or ()) == [
        began_ns + (order.intended_ns or 0) for order in orders
    ]
    assert all(bulk.ns >= max(bulk.intended_ns or [bulk.ns + 1]) for bulk in bulks)
    assert {("token", "shop.charge", "orders", 3, True)} == {
        (bulk.token, bulk.name, bulk.queue, bulk.priority, bulk.confirmed) for bulk in bulks
    }


def test_a_broker_that_refuses_is_told(tmp_path: Path) -> None:
    with Publishers(1, trial_at(f"unix://{tmp_path}/nobody", tmp_path)) as publishers:
        publishers.prepare([(line(), [Order(0, 0)])])
        publishers.begin(0)
        with pytest.raises(BrokerError, match=r"with status 1: the broker did not confirm 1 message for 'orders'"):
            publishers.finish()
    ((_, bulk),) = records(tmp_path).values()
    assert isinstance(bulk, wire.Bulk)
    assert not bulk.confirmed


READY = "print('ready', flush=True); "


@pytest.mark.parametrize("first", ["", READY, f"{READY}sys.stdin.readline(); "])
def test_a_process_that_ends_at_its_start_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, first: str) -> None:
    command = [sys.executable, "-c", f"import sys; {first}sys.exit('no memory')"]
    monkeypatch.setattr("pytest_celery_perf.load.publishers.tethered", lambda _: command)

    def prepare() -> None:
        with Publishers(1, trial_at("redis://", tmp_path)) as publishers:
            if "stdin" not in first:
                publishers._processes[0].wait()
            publishers.prepare([(line(), [Order(0, 0)])])

    with pytest.raises(BrokerError, match="a publisher of this load has ended with status 1: no memory"):
        prepare()


def test_what_cannot_be_copied_needs_the_app(tmp_path: Path) -> None:
    message = r"publishers=2 can only copy messages, and those of shop\.charge cannot be copied: its messages differ in"
    with (
        Publishers(2, trial_at("redis://", tmp_path)) as publishers,
        pytest.raises(ConfigurationError, match=message),
    ):
        publishers.prepare([(line(None), [Order(0, 0)])])
