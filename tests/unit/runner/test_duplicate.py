from __future__ import annotations

import time
from types import SimpleNamespace
from typing import Any

import pytest

from pytest_celery_perf.broker import inspect
from pytest_celery_perf.collect.book import Book
from pytest_celery_perf.probe import wire
from pytest_celery_perf.probe.orders import HEADER, FaultOrder
from pytest_celery_perf.runner.duplicate import LOCKED_S, Duplicates

ORDER = FaultOrder(key="again", task=None, do="again", at="touch:3")
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
def book(monkeypatch: pytest.MonkeyPatch, opened: list[str], asleep: bool) -> Book:
    """Return the records of a task whose first delivery waits, while its second one is under way."""
    monkeypatch.setattr(inspect, "deliver_again", lambda *_, **__: None)
    book = Book("token")
    book.publish(wire.Publishing(1, "token", "t1", None, None, "pay", 0, "celery", None, None, None), "")
    book.draft(("t1", 0, 2)).content = CONTENT
    book.draft(("t1", 0, 2)).received = wire.Received(2, "token", "t1", None, None, "pay", 0, "tag", "celery", 0, False)
    book.note("again", point="touch:3", task_id="t1")
    worker = SimpleNamespace(is_asleep=lambda _: asleep)
    pool: Any = SimpleNamespace(members=(SimpleNamespace(boot="twin", worker=worker, spec=None),))
    gates: Any = SimpleNamespace(open=opened.append)
    duplicates = Duplicates(book, pool, None, faults=[ORDER], gates=gates)
    duplicates.tend(time.monotonic_ns())
    second = ("t1", 0, time.monotonic_ns())
    long_ago_ns = time.monotonic_ns() - round(2 * LOCKED_S * 1e9)
    again = book.draft(second)
    again.boot, again.pid = "twin", 7
    again.received = wire.Received(second[2], "token", "t1", None, None, "pay", 0, "tag", "celery", 0, True)
    again.touched += [
        wire.Touched(long_ago_ns, *second, 2, "query", "UPDATE …", None),
        wire.Touched(time.monotonic_ns(), *second, 0, "acknowledgment", "", None),
    ]
    duplicates.tend(time.monotonic_ns())
    return book


def test_an_early_acknowledgment_does_not_hide_who_waits_for_a_lock(book: Book, opened: list[str]) -> None:
    """The main process may tell it after the query which waits, and SQLite waits no longer than 5 s."""
    assert opened == ["again"]
    assert book.faults[-1].detail == "the second delivery waits at query UPDATE …"


@pytest.mark.parametrize("asleep", [False])
def test_who_computes_or_waits_for_a_core_does_not_wait_for_a_lock(book: Book, opened: list[str]) -> None:
    assert (opened, book.faults[-1].kind) == ([], "delivered-again")
