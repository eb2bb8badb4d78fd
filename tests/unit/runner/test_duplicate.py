from __future__ import annotations

import time
from types import SimpleNamespace
from typing import Any

import pytest

from pytest_celery_perf.broker import inspect
from pytest_celery_perf.collect.book import Book
from pytest_celery_perf.model.units import NS_PER_S
from pytest_celery_perf.probe import wire
from pytest_celery_perf.probe.orders import HEADER, FaultOrder
from pytest_celery_perf.runner.duplicate import LOCKED_S, Duplicates

ORDER = FaultOrder(key="again", task=None, do="again", at="touch:3")
NOW_NS = time.monotonic_ns()
CONTENT = {"headers": {"id": "t1", HEADER: {"t": "token", "faults": []}}}


@pytest.fixture
def opened() -> list[str]:
    """Return the keys of the gates that were opened."""
    return []


@pytest.fixture
def asleep() -> bool:
    """Return whether the process of the second delivery waits for something to happen."""
    return True


@pytest.fixture
def records() -> Book:
    """Return the records of a task whose first delivery waits for the second."""
    records = Book("token")
    records.publish(wire.Publishing(1, "token", "t1", None, None, "pay", 0, "celery", None, None, None), "")
    first = records.draft(("t1", 0, 2))
    first.content = CONTENT
    first.received = wire.Received(2, "token", "t1", None, None, "pay", 0, "tag", "celery", 0, False)
    records.note("again", point="touch:3", task_id="t1")
    return records


@pytest.fixture
def duplicates(monkeypatch: pytest.MonkeyPatch, records: Book, opened: list[str], asleep: bool) -> Duplicates:
    """Return what has delivered the message again."""
    monkeypatch.setattr(inspect, "deliver_again", lambda *_, **__: None)
    worker = SimpleNamespace(is_asleep=lambda _: asleep)
    pool: Any = SimpleNamespace(members=(SimpleNamespace(boot="twin", worker=worker, spec=None),))
    gates: Any = SimpleNamespace(open=opened.append)
    duplicates = Duplicates(records, pool, None, faults=[ORDER], gates=gates)
    duplicates.tend(NOW_NS)
    return duplicates


def ask(records: Book, at_ns: int) -> None:
    """Have the second delivery ask its database something, which does not answer."""
    second = ("t1", 0, time.monotonic_ns())
    again = records.draft(second)
    again.boot, again.pid = "twin", 7
    again.received = wire.Received(second[2], "token", "t1", None, None, "pay", 0, "tag", "celery", 0, True)
    again.touched += [
        wire.Touched(at_ns, *second, 2, "query", "UPDATE …", None),
        wire.Touched(time.monotonic_ns(), *second, 0, "acknowledgment", "", None),
    ]


@pytest.fixture
def book(records: Book, duplicates: Duplicates) -> Book:
    """Return the records when the second delivery has been waiting for long."""
    ask(records, NOW_NS - ns(2 * LOCKED_S))
    duplicates.tend(NOW_NS)
    return records


def test_an_early_acknowledgment_does_not_hide_who_waits_for_a_lock(book: Book, opened: list[str]) -> None:
    """The main process may tell it after the query which waits, and SQLite waits no longer than 5 s."""
    assert opened == ["again"]
    assert book.faults[-1].detail == "the second delivery waits at query UPDATE …"


@pytest.mark.parametrize("asleep", [False])
def test_who_computes_or_waits_for_a_core_does_not_wait_for_a_lock(book: Book, opened: list[str]) -> None:
    assert (opened, book.faults[-1].kind) == ([], "delivered-again")


def test_who_was_kept_from_looking_has_heard_no_silence(
    records: Book, duplicates: Duplicates, opened: list[str]
) -> None:
    """What the machine has kept for a second did not wait for a lock."""
    ask(records, NOW_NS)
    late_ns = NOW_NS + ns(4 * LOCKED_S)
    duplicates.tend(late_ns)
    before = [*opened]
    for number in range(1, 6):
        duplicates.tend(late_ns + ns(number * LOCKED_S / 5))
    assert (before, opened) == ([], ["again"])


def ns(seconds: float) -> int:
    return round(seconds * NS_PER_S)
