"""A task that waits for a step of a script goes on once its worker is over that."""

from __future__ import annotations

import time
from collections.abc import Callable
from types import SimpleNamespace as Stub
from typing import Any

import pytest

from pytest_celery_perf.collect.book import Book
from pytest_celery_perf.faults.lasting import Ward
from pytest_celery_perf.faults.performance import Script
from pytest_celery_perf.faults.script import Step
from pytest_celery_perf.faults.stagehand import SCRIPT
from pytest_celery_perf.model.record import Execution
from tests.unit.histories import BOOT, execution, history


class Scene:
    """A worker that holds a task for a step, and may take other messages."""

    def __init__(self) -> None:
        self.seen: list[Execution] = []
        self.awaited: list[object] = []
        """Whether that was so at once for which the script has waited."""
        book = Book("token")
        book.open.add("t1")
        book.note(SCRIPT, boot=BOOT, point="started 1", task_id="t1")
        worker = Stub(alive=True, launch=Stub(node="main@host"))
        self.trial: Any = Stub(
            book=book,
            pool=Stub(members=[Stub(boot=BOOT, worker=worker)]),
            rescue=Stub(outage=Stub(listeners=frozenset)),
            order=lambda _: None,
            release=lambda _: None,
            records=lambda: history(*self.seen),
            until=lambda find, _: self.awaited.append(find()),
        )

    def receive(self) -> None:
        """Take a message now."""
        self.seen.append(execution(f"t{len(self.seen) + 2}", started=None, received_ns=time.monotonic_ns()))

    def play(self, kind: str, act: Callable[[], None]) -> None:
        """Play a script of one step, which `act` carries out."""
        stagehand: Any = Stub(act=lambda *_, **__: act())
        step = Step(kind=kind, start=1, lasting_s=0.0)
        with Script(self.trial, Ward(), stagehand, seed=1, steps=(step,), seconds=30.0):
            pass


@pytest.mark.parametrize("kind", ["drop_connections", "reset"])
def test_a_worker_is_not_back_that_took_a_message_while_its_connections_were_broken(kind: str) -> None:
    scene = Scene()
    scene.play(kind, scene.receive)
    assert scene.awaited == [True, None]


def test_a_worker_is_back_that_takes_a_message_after_that() -> None:
    scene = Scene()
    look = scene.trial.until

    def until(find: Callable[[], object], timeout_s: float) -> None:
        scene.receive()
        look(find, timeout_s)

    scene.trial.until = until
    scene.play("reset", lambda: None)
    assert scene.awaited == [True, True]
