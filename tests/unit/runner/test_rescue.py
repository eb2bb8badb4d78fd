"""What becomes of a dead worker's messages, and of tasks whose process is gone, while others go on."""

from __future__ import annotations

from collections.abc import Iterable
from types import SimpleNamespace as Stub
from typing import Any

import pytest

from pytest_celery_perf.broker import inspect
from pytest_celery_perf.broker.inspect import Contents, Unacked
from pytest_celery_perf.collect.book import Book
from pytest_celery_perf.collect.draft import Draft
from pytest_celery_perf.probe import wire
from pytest_celery_perf.runner.rescue import Rescue

BOOT, CHILD = "boot", 811
KEY = ("t1", 0, 2)


class Scene:
    """A worker whose child runs a task, which the broker has in ``unacked``."""

    def __init__(self) -> None:
        self.done: list[str] = []
        """What was done to the broker and to the network."""
        self.book = Book("token")
        self.book.publish(wire.Publishing(1, "token", "t1", None, None, "pay", 0, "celery", None, None, None), "")
        self.draft.boot, self.draft.pid = BOOT, CHILD
        self.draft.received = wire.Received(2, "token", "t1", None, None, "pay", 0, "tag", "celery", 0, False)
        self.draft.started = wire.Started(3, "t1", 0, 2, first=True)
        self.book.settle("t1")
        self.worker = Stub(alive=True, pid=810, exit_status=-9, send_signal=lambda *_: True)
        successor = Stub(boot="successor", worker=Stub(alive=True))
        pool: Any = Stub(
            members=[Stub(boot=BOOT, worker=self.worker, spec=Stub(name="one"))],
            links=Stub(hang_up=lambda worker: self.done.append(f"hang up on {worker}")),
            replace=lambda _: successor,
        )
        reader: Any = Stub(pump=lambda: None, ledger=Stub(workers={}))
        self.reader = reader
        nobody: Any = Stub(tend=lambda **_: None)
        self.rescue = Rescue(self.book, pool, reader, None, faults=[], gates=nobody, lookout=nobody)

    @property
    def draft(self) -> Draft:
        return self.book.draft(KEY)

    def end(self) -> None:
        """Write the end of the task, as its child does."""
        self.draft.failed = wire.Failed(4, "t1", "failed", ["E", "m", None])
        self.book.settle("t1")

    def restore(self, _app: object, tags: Iterable[str]) -> list[str]:
        self.done += [f"put {tag} back" for tag in tags]
        return ["tag"]


@pytest.fixture
def scene(monkeypatch: pytest.MonkeyPatch) -> Scene:
    scene, held = Scene(), Unacked(task_id="t1", tag="tag", task="pay", received_s=0.0)
    monkeypatch.setattr(inspect, "restore", scene.restore)
    monkeypatch.setattr(inspect, "unacked_ids", lambda *_: (held,))
    monkeypatch.setattr(inspect, "contents", lambda *_: Contents(queues=(), unacked=(held,)))
    return scene


def test_what_is_put_back_cannot_be_sent_to_the_dead_worker(scene: Scene) -> None:
    """Redis serves who has waited longest; over a network it hears late that this one is dead."""
    scene.book.note("kill-worker", boot=BOOT)
    scene.worker.alive = False
    scene.rescue.tend()
    assert scene.done == ["hang up on one", "put tag back"]


def test_a_process_that_ends_its_task_and_itself_between_two_looks_is_not_called_gone(scene: Scene) -> None:
    scene.worker.send_signal = lambda *_: False
    scene.reader.pump = scene.end
    scene.rescue.muster()
    assert (scene.book.faults, scene.book.gone) == ([], set())


def test_a_process_that_has_ended_in_the_midst_of_its_task_is_gone(scene: Scene) -> None:
    scene.worker.send_signal = lambda *_: False
    scene.rescue.muster()
    assert [(each.kind, each.pid) for each in scene.book.faults] == [("process-gone", CHILD)]
