"""What a signal was to end is waited for, and noted if it lives on."""

from __future__ import annotations

import time
from types import SimpleNamespace
from typing import Any

import pytest

from pytest_celery_perf.collect.book import Book
from pytest_celery_perf.probe.orders import FaultOrder
from pytest_celery_perf.runner.parting import see_off

BOOT, CHILD = "boot", 811


class Trial:
    """A test's task has sent a signal to its worker, or to one of its children."""

    def __init__(self, kill: str, signal: int, *, obeys_after: float = float("inf")) -> None:
        self.book = Book("token")
        self.book.note(f"kill-{kill}", boot=BOOT, pid=CHILD, point="started", task_id="pay")
        self.orders = (FaultOrder(key="k", task=None, do=f"kill-{kill}", at="started", signal=signal),)
        self.child, self.looks = True, 0
        self.worker = SimpleNamespace(alive=True, send_signal=lambda pid, number: self.child)
        self.pool = SimpleNamespace(members=[SimpleNamespace(boot=BOOT, worker=self.worker)])
        self._kill, self._obeys_after = kill, obeys_after

    def attend(self, until_s: float) -> None:
        self.looks += 1
        time.sleep(max(0.0, until_s - time.monotonic()))
        if self.looks > self._obeys_after and self._kill == "child":
            self.child = False
        elif self.looks > self._obeys_after:
            self.worker.alive = False

    def survivors(self, grace_s: float) -> list[tuple[Any, ...]]:
        see_off(self, grace_s)  # type: ignore[arg-type]
        noted = (fault for fault in self.book.faults if fault.kind == "survived")
        return [(fault.boot, fault.pid, fault.point, fault.task_id) for fault in noted]


@pytest.mark.parametrize("kill", ["child", "worker"])
def test_what_ends_is_waited_for(kill: str) -> None:
    trial = Trial(kill, 15, obeys_after=2)
    assert trial.survivors(grace_s=60) == []
    assert trial.looks == 3


@pytest.mark.parametrize("kill", ["child", "worker"])
def test_what_lives_on_is_noted(kill: str) -> None:
    trial = Trial(kill, 1)
    assert trial.survivors(grace_s=0.03) == [(BOOT, CHILD, "started", "pay")]
    assert trial.book.faults[-1].detail == "30ms after the last task"


def test_a_child_that_said_so_is_not_waited_for() -> None:
    trial = Trial("child", 2)
    trial.book.note("survived", boot=BOOT, pid=CHILD, point="started", task_id="pay")
    assert len(trial.survivors(grace_s=60)) == 1
    assert trial.looks == 0


def test_nothing_survives_being_killed() -> None:
    trial = Trial("worker", 9)
    assert trial.survivors(grace_s=60) == []
    assert trial.looks == 0


def test_a_task_that_is_still_open_is_explanation_enough() -> None:
    trial = Trial("worker", 15)
    trial.book.open.add("pay")
    assert trial.survivors(grace_s=60) == []
