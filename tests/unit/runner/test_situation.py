"""The broker is asked first and the records are read then, since workers go on meanwhile."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from pytest_celery_perf.broker import inspect
from pytest_celery_perf.broker.inspect import Unacked
from pytest_celery_perf.collect.book import Book
from pytest_celery_perf.collect.history import freeze
from pytest_celery_perf.collect.ledger import Ledger
from pytest_celery_perf.judge.diagnosis import diagnose
from pytest_celery_perf.model.situation import Situation
from pytest_celery_perf.probe import wire
from pytest_celery_perf.probe.stacks import STACK_SIGNAL, stack_path
from pytest_celery_perf.runner import situation
from pytest_celery_perf.runner.situation import situation_of

HELD = "held unacknowledged by a worker that is not there"
LOOKS = 9
"""How often the test looks whether somebody claims a message before it gives up."""


class Scene:
    """A test with one task, which the broker has in ``unacked``, and one worker, whose word arrives late."""

    def __init__(self) -> None:
        self.book = Book("token")
        self.book.publish(wire.Publishing(1, "token", "id", None, None, "pay", 0, "celery", None, None, None), "")
        self.book.confirmed.add(("id", 0))
        self.book.settle("id")
        self.words: list[Callable[[], None]] = []
        """What the worker has written, or will have by the next looks."""
        self.answers = True
        launch = SimpleNamespace(node="one@host", probe=SimpleNamespace(spool=""))
        worker = SimpleNamespace(
            launch=launch, alive=True, exit_status=None, log_tail=lambda _: (), send_signal=lambda *_: True
        )
        self.app = None
        self.workers = {"one": SimpleNamespace(queues=("celery",), pool="prefork", registered=(), concurrency=1)}
        self.pool = SimpleNamespace(
            members=[SimpleNamespace(boot="one", worker=worker)],
            broker=SimpleNamespace(ping=lambda _: self.answers),
            probe=SimpleNamespace(broker_url="redis://:secret@127.0.0.1:1/0"),
        )

    def received(self, *, started: bool = False, ended: bool = False) -> None:
        draft = self.book.draft(("id", 0, 5))
        draft.boot = "one"
        draft.received = wire.Received(5, "token", "id", None, None, "pay", 0, "tag", "celery", 0, False)
        draft.started = wire.Started(6, "id", 0, 5, first=True) if started or ended else None
        draft.pid = 811 if started or ended else None
        if ended:
            draft.failed = wire.Failed(7, "id", "failed", ["E", "m", None])
            draft.acknowledged_ns = 8
        self.book.settle("id")

    def records(self) -> Any:
        if self.words:
            self.words.pop(0)()
        return freeze(self.book, Ledger(clock="c", own_boot="test"))

    def until(self, find: Callable[[], object], _timeout_s: float) -> None:
        for _ in range(LOOKS):  # by no clock: whoever is kept from looking for a moment would give up too early
            if find() is not None:
                break
            self.records()

    def situation(self) -> Situation:
        trial: Any = self
        return situation_of(trial, 1.0, on_commit_callbacks=0, rolled_back=0)


@pytest.fixture
def scene(monkeypatch: pytest.MonkeyPatch) -> Scene:
    held = (Unacked(task_id="id", task="pay", tag="tag", received_s=0.0),)
    monkeypatch.setattr(inspect, "unacked_ids", lambda *_: held)
    monkeypatch.setattr(inspect, "queue_depths", lambda *_: {"celery": 0})
    return Scene()


def test_what_was_recorded_since_the_broker_was_asked_counts(scene: Scene) -> None:
    def answer(*_: object) -> tuple[Unacked, ...]:
        scene.words.append(lambda: scene.received(ended=True))
        return (Unacked(task_id="id", task="pay", tag="tag", received_s=0.0),)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(inspect, "unacked_ids", answer)
        assert scene.situation().pending == ()


def test_a_message_that_its_worker_has_yet_to_record_is_not_held_by_nobody(scene: Scene) -> None:
    scene.words += [lambda: None, lambda: None, scene.received]
    assert HELD not in diagnose(scene.situation())
    assert scene.situation().pending[0].worker == "one@host"


def test_a_message_that_no_worker_claims_is_held_by_nobody(scene: Scene) -> None:
    assert HELD in diagnose(scene.situation())


def test_a_broker_that_does_not_answer_is_asked_once(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inspect, "queue_depths", lambda *_: pytest.fail("asked a broker that does not answer"))
    scene.answers = False
    scene.received()
    told = diagnose(scene.situation()).split("\n\n")
    assert told[1].startswith(
        "The broker does not answer at redis://:***@127.0.0.1:1/0.\n  1 task waits for it: pay[id]"
    )
    assert len(told) == 2


@pytest.mark.parametrize(("waited_s", "shortened"), [(3600.0, False), (36.0, True)])
def test_a_retry_that_waits_is_told_from_a_first_call(scene: Scene, waited_s: float, shortened: bool) -> None:
    again = wire.Publishing(
        time.monotonic_ns(), "token", "id", None, None, "pay", 1, "celery", None, 3600.0, waited_s, None
    )
    scene.book.publish(again, "one")
    scene.book.confirmed.add(("id", 1))
    scene.book.settle("id")
    (waiting,) = scene.situation().pending
    assert (True, shortened) == (waiting.retry, waiting.shortened)


def test_only_what_the_test_itself_failed_to_publish_is_told(scene: Scene) -> None:
    for task_id, name, publisher in (("raised", "refund", ""), ("child", "mail", "one")):
        scene.book.publish(
            wire.Publishing(1, "token", task_id, None, None, name, 0, "celery", None, None, None), publisher
        )
    scene.received()
    found = scene.situation()
    assert ("refund",) == found.unsent
    assert "Publishing refund raised an exception; the broker answers by now." in diagnose(found)


HEADING = "Current thread 0x1 (most recent call first):\n"
BODY = '  File "/shop/tasks.py", line 3 in stand\n'
ENTRY = f'  File "/venv{situation.TASK_FRAME}", line 200 in call\n  File "/venv/celery/app/trace.py", line 1 in trace\n'


class Clock:
    """A clock that goes on as somebody sleeps, and a process that writes something at times of this clock."""

    def __init__(self, file: Path, writes: dict[float, str]) -> None:
        self.now_s = 0.0
        self._file = file
        self._writes = sorted(writes.items())

    def monotonic(self) -> float:
        return self.now_s

    def monotonic_ns(self) -> int:
        return int(self.now_s * 1e9)

    def sleep(self, seconds: float) -> None:
        self.now_s += seconds
        while self._writes and self._writes[0][0] <= self.now_s:
            with self._file.open("a") as file:
                file.write(self._writes.pop(0)[1])


@pytest.mark.skipif(STACK_SIGNAL is None, reason="this system has no realtime signals")
@pytest.mark.parametrize(
    ("writes", "told"),
    [
        pytest.param({0.0: HEADING + BODY + ENTRY}, HEADING + BODY, id="at_once"),
        pytest.param({4.0: HEADING + BODY + ENTRY}, HEADING + BODY, id="late"),
        pytest.param({0.0: HEADING, 2.0: BODY, 3.0: ENTRY}, HEADING + BODY, id="bit_by_bit"),
        pytest.param({0.0: HEADING + BODY}, HEADING + BODY, id="outside_a_task"),
        pytest.param({}, "", id="never"),
    ],
)
def test_a_stack_is_waited_for_until_it_has_come_to_the_task(
    scene: Scene, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, writes: dict[float, str], told: str
) -> None:
    scene.pool.members[0].worker.launch.probe.spool = str(tmp_path)
    scene.received(started=True)
    file = Path(stack_path(str(tmp_path), 811))
    file.parent.mkdir()
    file.write_text("what was told before\n")
    monkeypatch.setattr(situation, "time", Clock(file, writes))
    (pending,) = scene.situation().pending
    assert told.strip() == pending.stack


def test_of_who_dies_meanwhile_no_stack_is_waited_for(
    scene: Scene, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What follows from its death goes on while somebody looks around, and may be over then."""
    worker = scene.pool.members[0].worker
    worker.launch.probe.spool = str(tmp_path)
    scene.received(started=True)
    file = Path(stack_path(str(tmp_path), 811))
    file.parent.mkdir()
    file.touch()
    clock = Clock(file, {})
    monkeypatch.setattr(situation, "time", clock)
    worker.send_signal = lambda *_: clock.now_s < 0.5
    (pending,) = scene.situation().pending
    assert pending.stack == ""
    assert clock.now_s == pytest.approx(0.5, abs=0.01)
