"""What can be told of a load while it goes."""

from __future__ import annotations

import time

import pytest

from pytest_celery_perf.collect.ledger import Ledger
from pytest_celery_perf.collect.spool import SpooledRecord
from pytest_celery_perf.load.pulse import Pulse
from pytest_celery_perf.probe import wire

S = 10**9


class Test:
    """Some tasks of a test, published and ended as told."""

    __test__ = False

    def __init__(self) -> None:
        self.now_ns = time.monotonic_ns()
        self.ledger = Ledger("clock", "test")
        self.book = self.ledger.open_book("token")
        for file, boot in (("test", "test"), ("worker", "boot")):
            self.enter(file, wire.Process(wire.FORMAT, 0, boot, 1, "clock"))

    def enter(self, file: str, record: wire.Record) -> None:
        self.ledger.enter(SpooledRecord(file, record))

    def publish(self, *ids: str, ago_s: float, by: str = "test") -> None:
        """Publish tasks now that were meant to be some time ago."""
        for each in ids:
            due_ns = self.now_ns - round(ago_s * S)
            self.enter(
                by, wire.Publishing(self.now_ns, "token", each, None, None, "t", 0, "q", None, None, None, due_ns)
            )
            self.enter(by, wire.Published(self.now_ns, each, 0))

    def end(self, *ids: str, ago_s: float) -> None:
        """Have tasks end."""
        ended_ns = self.now_ns - round(ago_s * S)
        for each in ids:
            received_ns = hash(each)
            self.enter("worker", wire.Received(received_ns, "token", each, None, None, "t", 0, "tag", "q", None, False))
            self.enter(
                "worker",
                wire.Finished(ended_ns, each, 0, received_ns, "succeeded", 0, 0, 0, None, None, None, 0, 0, 0, False),
            )


@pytest.fixture
def test() -> Test:
    return Test()


def test_latencies_are_those_from_when_tasks_were_due(test: Test) -> None:
    pulse = Pulse(test.book, 40)
    ids = [f"t{number}" for number in range(30)]
    test.publish(*ids, ago_s=10)
    test.end(*ids[:18], ago_s=9)
    test.end(*ids[18:20], ago_s=3)
    pace = pulse.pace()
    assert pace.p95_s == 7
    assert pace.rate_per_s is not None
    assert pace.eta_s is not None
    assert pace.rate_per_s * pace.eta_s == pytest.approx(20)


def test_nothing_is_guessed_from_nothing(test: Test) -> None:
    pulse = Pulse(test.book, 40)
    test.publish("t1", ago_s=1)
    assert pulse.pace() == (None, None, None)
    test.end("t1", ago_s=0)
    assert pulse.pace().p95_s is None  # of one


def test_who_is_late_is_so_before_it_ends(test: Test) -> None:
    pulse = Pulse(test.book, 40)
    test.publish("slow", "waiting", ago_s=3600)  # not seconds: what is fresh ages while the machine stalls
    test.publish("fast", "fresh", ago_s=1)
    test.end("slow", "fast", ago_s=0.5)
    assert [2, 0] == [pulse.later_than(budget_s, time.monotonic_ns()) for budget_s in (1800, 7200)]


def test_neither_children_nor_what_was_before_is_told(test: Test) -> None:
    test.publish("before", ago_s=10)
    pulse = Pulse(test.book, 40)
    test.publish("child", ago_s=10, by="worker")
    assert pulse.later_than(1, time.monotonic_ns()) == 0
