"""A message that is delivered twice on purpose: every delivery is waited for."""

from __future__ import annotations

import pytest

from pytest_celery_perf.collect.book import Book
from pytest_celery_perf.collect.ledger import Ledger
from pytest_celery_perf.collect.spool import SpooledRecord
from pytest_celery_perf.probe import wire

CONTENT = {"headers": {"id": "pay"}, "properties": {}}


@pytest.fixture
def kept() -> tuple[Book, Ledger]:
    """Return the book of a test whose only task is published, and the ledger."""
    ledger = Ledger("clock", "test")
    book = ledger.open_book("token")
    for file in ("test/1", "one/1", "two/1"):
        enter(ledger, file, wire.Process(wire.FORMAT, 0, file.partition("/")[0], 1, "clock"))
    enter(ledger, "test/1", wire.Publishing(1, "token", "pay", None, None, "shop.pay", 0, "q", None, None, None))
    enter(ledger, "test/1", wire.Published(2, "pay", 0))
    return book, ledger


def enter(ledger: Ledger, file: str, *records: wire.Record) -> None:
    for record in records:
        ledger.enter(SpooledRecord(file, record))


def begin(ledger: Ledger, file: str, received_ns: int) -> None:
    received = wire.Received(received_ns, "token", "pay", None, None, "shop.pay", 0, file, "q", None, False)
    enter(ledger, file, received, wire.Message(received_ns, "pay", 0, received_ns, CONTENT))
    enter(ledger, file, wire.Started(received_ns + 1, "pay", 0, received_ns, False))


def end(ledger: Ledger, file: str, received_ns: int) -> None:
    finished = wire.Finished(99, "pay", 0, received_ns, "succeeded", 21, 29, 5, None, None, None, 0, 0, 0, False)
    enter(ledger, file, finished, wire.Acknowledged(100, "pay", 0, received_ns))


def test_a_message_is_kept_with_its_delivery(kept: tuple[Book, Ledger]) -> None:
    book, ledger = kept
    begin(ledger, "one/1", 10)
    [draft] = book.deliveries("pay", 0)
    assert CONTENT == draft.content


def test_a_held_first_delivery_is_waited_for_though_the_second_has_ended(kept: tuple[Book, Ledger]) -> None:
    book, ledger = kept
    begin(ledger, "one/1", 10)
    book.copy("pay", 0)
    begin(ledger, "two/1", 20)
    end(ledger, "two/1", 20)
    assert {"pay"} == book.open
    end(ledger, "one/1", 10)
    assert (set(), set()) == (book.open, book.ending)


def test_a_copy_that_nobody_has_taken_yet_is_waited_for(kept: tuple[Book, Ledger]) -> None:
    book, ledger = kept
    begin(ledger, "one/1", 10)
    end(ledger, "one/1", 10)
    assert set() == book.open
    book.copy("pay", 0)
    assert {"pay"} == book.open
    begin(ledger, "two/1", 20)
    end(ledger, "two/1", 20)
    assert (set(), set()) == (book.open, book.ending)
