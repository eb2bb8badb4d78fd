"""A message that nobody holds is given up, not one that a worker is just taking, however long that lasts."""

from __future__ import annotations

from types import SimpleNamespace as Stub
from typing import Any

import pytest

from pytest_celery_perf.broker import inspect
from pytest_celery_perf.broker.inspect import Contents, Unacked
from pytest_celery_perf.collect.book import Book
from pytest_celery_perf.probe import wire
from pytest_celery_perf.runner import orphans
from pytest_celery_perf.runner.orphans import Orphans

LOOKS = 5
"""How often the test looks after messages, each time long enough after the last."""


class Scene:
    """A task was published; its message has left its queue, and no worker has recorded it."""

    def __init__(self) -> None:
        self.book = Book("token")
        self.book.publish(wire.Publishing(1, "token", "t1", None, None, "pay", 0, "celery", None, None, None), "")
        self.book.confirmed.add(("t1", 0))
        self.book.settle("t1")
        self.unacked: tuple[Unacked, ...] = ()
        self.restored: list[str] = []
        self.listening = False
        """Whether the worker waits for messages."""
        reader: Any = Stub(pump=lambda: None, ledger=Stub(workers={}))
        self.orphans = Orphans(self.book, reader, None, lambda: {"boot"}, lambda: self.listening)

    def tend(self) -> list[str]:
        """Look after messages, and return what became of them."""
        for _ in range(LOOKS):
            self.orphans.tend()
        return [fault.kind for fault in self.book.faults]

    def receive(self) -> None:
        """Have the worker record that it has the message."""
        self.book.draft(("t1", 0, 2)).boot = "boot"
        self.book.settle("t1")

    def put_back(self, _app: object, tags: list[str]) -> list[str]:
        self.restored += tags
        return tags


@pytest.fixture
def scene(monkeypatch: pytest.MonkeyPatch) -> Scene:
    scene = Scene()
    monkeypatch.setattr(orphans, "LOOK_AGAIN_S", 0.0)
    monkeypatch.setattr(inspect, "contents", lambda *_: Contents(queues=(), unacked=scene.unacked))
    monkeypatch.setattr(inspect, "restore", scene.put_back)
    return scene


def test_what_a_worker_is_just_taking_is_not_given_up(scene: Scene) -> None:
    scene.orphans.suspect()
    before = scene.tend()
    scene.receive()
    scene.listening = True
    assert (before, scene.tend(), scene.book.open) == ([], [], {"t1"})


def test_what_a_worker_is_about_to_record_is_not_delivered_again(scene: Scene) -> None:
    scene.unacked = (Unacked(task_id="t1", tag="tag", task="pay", received_s=0.0),)
    scene.orphans.suspect()
    before = scene.tend()
    scene.receive()
    scene.listening = True
    assert (before, scene.tend(), scene.restored) == ([], [], [])


def test_what_nobody_has_when_all_wait_for_more_has_vanished(scene: Scene) -> None:
    scene.listening = True
    scene.orphans.suspect()
    assert (scene.tend(), scene.book.open) == (["vanished"], set())


def test_a_worker_that_is_busy_is_not_waited_for_without_end(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(orphans, "PATIENCE_S", 0.0)
    scene.orphans.suspect()
    assert scene.tend() == ["vanished"]
