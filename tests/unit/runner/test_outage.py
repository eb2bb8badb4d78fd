from __future__ import annotations

import time
from collections.abc import Iterable
from types import SimpleNamespace
from typing import Any

import pytest

from pytest_celery_perf.broker import inspect
from pytest_celery_perf.broker.inspect import Unacked
from pytest_celery_perf.collect.book import Book
from pytest_celery_perf.probe import wire
from pytest_celery_perf.runner import outage
from pytest_celery_perf.runner.outage import Outage


class Broker:
    """What it has in ``unacked``, by the delivery tags, and what was put back."""

    def __init__(self) -> None:
        self.held: dict[str, str] = {}
        self.restored: list[str] = []

    def restore(self, _app: object, tags: Iterable[str]) -> list[str]:
        self.restored += tags
        for tag in tags:
            del self.held[tag]
        return [*tags]

    def unacked(self, _app: object) -> tuple[Unacked, ...]:
        held = self.held.items()
        return tuple(Unacked(task_id=task_id, task="pay", tag=tag, received_s=0.0) for tag, task_id in held)


@pytest.fixture
def broker(monkeypatch: pytest.MonkeyPatch) -> Broker:
    broker = Broker()
    monkeypatch.setattr(inspect, "restore", broker.restore)
    monkeypatch.setattr(inspect, "unacked_ids", broker.unacked)
    monkeypatch.setattr(outage, "RECONNECT_S", 0.0)
    monkeypatch.setattr(outage, "BACK_S", 0.0)
    monkeypatch.setattr(outage, "ACKNOWLEDGE_GRACE_S", 0.0)
    return broker


@pytest.fixture
def book() -> Book:
    """Return the records of two tasks that one worker has received, and of which it has begun the first."""
    book = Book("token")
    for number, task_id in enumerate(("runs", "waits"), 1):
        book.publish(wire.Publishing(1, "token", task_id, None, None, "pay", 0, "celery", None, None, None), "")
        book.confirmed.add((task_id, 0))
        draft = book.draft((task_id, 0, number))
        draft.boot = "worker"
        draft.received = wire.Received(
            number, "token", task_id, None, None, "pay", 0, f"tag {task_id}", "celery", 0, False
        )
        book.settle(task_id)
    runs = book.draft(("runs", 0, 1))
    runs.started, runs.pid = wire.Started(3, "runs", 0, 1, first=True), 811
    return book


@pytest.fixture
def broken(book: Book, broker: Broker) -> Outage:
    """Return what sees after them once their worker's connection has broken, and the broker holds both messages."""
    book.forget("worker", wire.Forgot(4, submitted=True))
    broker.held = {"tag runs": "runs", "tag waits": "waits"}
    orphans: Any = SimpleNamespace(suspect=lambda *_: None, forget=lambda: None)
    gates: Any = SimpleNamespace()
    pool: Any = SimpleNamespace(members=())
    broken = Outage(book, pool, None, faults=[], gates=gates, orphans=orphans)
    broken.broke()
    return broken


def look(broken: Outage) -> None:
    """See after the messages until there is nothing more to be done at once."""
    for _ in range(3):
        broken.tend()
        time.sleep(0.001)  # the clock must have gone on


def end(book: Book) -> None:
    runs = book.draft(("runs", 0, 1))
    runs.finished = wire.Finished(5, "runs", 0, 1, "succeeded", 3, 4, None, None, None, None, 0, 0, 0, injected=False)
    book.settle("runs")


def test_what_the_worker_has_forgotten_is_put_back_and_what_runs_is_not(broken: Outage, broker: Broker) -> None:
    look(broken)
    assert broker.restored == ["tag waits"]


def test_what_ran_on_is_put_back_after_its_end_if_nobody_acknowledges_it(
    broken: Outage, broker: Broker, book: Book
) -> None:
    look(broken)
    end(book)
    assert "runs" in book.open
    look(broken)
    assert broker.restored == ["tag waits", "tag runs"]


def test_what_a_worker_still_has_is_not_put_back(broken: Outage, broker: Broker, book: Book) -> None:
    """Its connection has lived on, or it has not noticed yet that it has not."""
    book.forgot.clear()
    look(broken)
    assert broker.restored == []
    book.forget("worker", wire.Forgot(4, submitted=True))
    look(broken)
    assert broker.restored == ["tag waits"]


def test_what_ran_on_is_put_back_though_another_runs_on_for_ever(broken: Outage, broker: Broker, book: Book) -> None:
    endless = book.draft(("endless", 0, 1))
    endless.boot, endless.pid, endless.started = "worker", 812, wire.Started(3, "endless", 0, 1, first=True)
    received = book.draft(("runs", 0, 1)).received
    assert received is not None
    endless.received = received._replace(id="endless", tag="tag endless")
    broker.held["tag endless"] = "endless"
    look(broken)
    end(book)
    look(broken)
    assert broker.restored == ["tag waits", "tag runs"]


def test_what_a_dead_worker_ran_is_put_back(broken: Outage, broker: Broker, book: Book) -> None:
    look(broken)
    book.bury("worker")
    look(broken)
    assert broker.restored == ["tag waits", "tag runs"]


def test_threads_keep_what_waits_in_them(broken: Outage, broker: Broker, book: Book) -> None:
    book.forget("worker", wire.Forgot(4, submitted=False))
    look(broken)
    assert broker.restored == []


def test_threads_forget_what_has_an_eta(broken: Outage, broker: Broker, book: Book) -> None:
    book.publishing["waits", 0] = book.publishing["waits", 0]._replace(waited_s=60.0)
    book.forget("worker", wire.Forgot(4, submitted=False))
    look(broken)
    assert broker.restored == ["tag waits"]


def test_what_ran_on_and_is_acknowledged_is_done(broken: Outage, broker: Broker, book: Book) -> None:
    look(broken)
    end(book)
    broker.held.clear()
    book.draft(("runs", 0, 1)).acknowledged_ns = 6
    book.settle("runs")
    look(broken)
    assert broker.restored == ["tag waits"]
    assert "runs" not in book.open | book.ending


def test_nobody_is_waited_for_who_is_back(
    monkeypatch: pytest.MonkeyPatch, broken: Outage, broker: Broker, book: Book
) -> None:
    monkeypatch.setattr(outage, "RECONNECT_S", 3600.0)
    worker: Any = SimpleNamespace(boot="worker", worker=SimpleNamespace(alive=True))
    broken._pool.members = [worker]
    listening: set[str] = set()
    monkeypatch.setattr(broken, "listeners", lambda: listening)
    broken.broke()
    look(broken)
    assert (broken.waits, broker.restored) == (True, [])  # it may not have noticed yet
    book.forget("worker", wire.Forgot(5, submitted=True))
    look(broken)
    assert (broken.waits, broker.restored) == (True, [])  # it has, and is on its way back
    listening.add("127.0.0.1:1")
    look(broken)
    assert broker.restored == ["tag waits"]
