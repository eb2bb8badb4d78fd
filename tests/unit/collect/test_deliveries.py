"""A message that is delivered more than once: every delivery that has begun is waited for."""

from __future__ import annotations

import pytest

from pytest_celery_perf.collect.book import Book
from pytest_celery_perf.collect.history import freeze
from pytest_celery_perf.collect.ledger import Ledger
from pytest_celery_perf.collect.spool import SpooledRecord
from pytest_celery_perf.model.record import Outcome, TaskError
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


def begin(ledger: Ledger, file: str, received_ns: int, attempt: int = 0) -> None:
    received = wire.Received(received_ns, "token", "pay", None, None, "shop.pay", attempt, file, "q", None, False)
    enter(ledger, file, received, wire.Message(received_ns, "pay", attempt, received_ns, CONTENT))
    enter(ledger, file, wire.Started(received_ns + 1, "pay", attempt, received_ns, False))


def end(ledger: Ledger, file: str, received_ns: int, attempt: int = 0) -> None:
    finished = wire.Finished(99, "pay", attempt, received_ns, "succeeded", 21, 29, 5, None, None, None, 0, 0, 0, False)
    enter(ledger, file, finished, wire.Acknowledged(100, "pay", attempt, received_ns))


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


def overtake(kept: tuple[Book, Ledger]) -> Book:
    """Have the second delivery end while the first one runs."""
    book, ledger = kept
    begin(ledger, "one/1", 10)
    begin(ledger, "two/1", 20)
    end(ledger, "two/1", 20)
    return book


def test_a_first_delivery_that_was_overtaken_is_waited_for(kept: tuple[Book, Ledger]) -> None:
    book = overtake(kept)
    assert {"pay"} == book.open
    assert book.deliveries("pay", 0)[:1] == book.overtaken() == [book.awaited("pay")]
    end(kept[1], "one/1", 10)
    assert (set(), set()) == (book.open, book.ending)


@pytest.mark.parametrize("pid", [None, 1])
def test_nobody_waits_for_what_died_with_its_process(kept: tuple[Book, Ledger], pid: int | None) -> None:
    book = overtake(kept)
    book.bury("two", pid)
    assert {"pay"} == book.open
    book.bury("one", pid)
    assert set() == book.open


@pytest.mark.parametrize(
    "over",
    [
        wire.Requeued(50, "pay", 0, 10),
        wire.Finished(50, "pay", 0, 10, None, 21, None, 5, None, None, None, 0, 0, 0, False),
        wire.Failed(50, "pay", "lost", ["billiard.exceptions.WorkerLostError", "signal 9", None]),
    ],
    ids=["put back", "cut off", "reported"],
)
def test_nobody_waits_for_what_its_worker_has_given_up(kept: tuple[Book, Ledger], over: wire.Record) -> None:
    book = overtake(kept)
    enter(kept[1], "one/1", over)
    assert set() == book.open
    assert book.failed == set()


@pytest.mark.parametrize("unheard", [True, False])
def test_nobody_waits_for_an_acknowledgment_where_the_worker_does_not_hear_of_the_end(
    kept: tuple[Book, Ledger], unheard: bool
) -> None:
    book, ledger = kept
    begin(ledger, "one/1", 10)
    refused = ["redis.exceptions.ConnectionError", "refused", None]
    finished = wire.Finished(
        50, "pay", 0, 10, "succeeded", 21, 29, 5, None, None, None, 0, 0, 0, False, refused, unheard
    )
    enter(ledger, "one/1", finished)
    assert (set(), set() if unheard else {"pay"}) == (book.open, book.ending)
    assert book.kept("pay") is unheard
    (execution,) = freeze(book, ledger).executions
    assert execution.outcome is Outcome.SUCCEEDED
    assert execution.unstored == TaskError(type="redis.exceptions.ConnectionError", message="refused")
    enter(ledger, "one/1", wire.Forgot(60, True))
    assert not book.kept("pay")


def test_what_still_runs_is_waited_for_though_its_message_has_expired_when_it_came_again(
    kept: tuple[Book, Ledger],
) -> None:
    book, ledger = kept
    begin(ledger, "one/1", 10)
    enter(ledger, "two/1", wire.Revoked(20, "pay", True))
    assert {"pay"} == book.open
    end(ledger, "one/1", 10)
    assert set() == book.open


def test_only_the_acknowledgment_of_what_died_with_its_process_is_waited_for(
    kept: tuple[Book, Ledger],
) -> None:
    """Celery publishes it anew with ``retry_on_worker_lost``."""
    book, ledger = kept
    begin(ledger, "one/1", 10)
    enter(ledger, "one/1", wire.Publishing(20, "token", "pay", None, None, "shop.pay", 1, "q", None, None, None))
    enter(ledger, "one/1", wire.Published(21, "pay", 1))
    begin(ledger, "two/1", 30, attempt=1)
    end(ledger, "two/1", 30, attempt=1)
    assert {"pay"} == book.open | book.ending
    book.bury("one", 1)
    assert (set(), {"pay"}) == (book.open, book.ending)
    enter(ledger, "one/1", wire.Acknowledged(40, "pay", 0, 10))
    assert (set(), set()) == (book.open, book.ending)


def test_nothing_of_what_died_with_its_worker_is_waited_for(kept: tuple[Book, Ledger]) -> None:
    book, ledger = kept
    begin(ledger, "one/1", 10)
    enter(ledger, "one/1", wire.Publishing(20, "token", "pay", None, None, "shop.pay", 1, "q", None, None, None))
    enter(ledger, "one/1", wire.Published(21, "pay", 1))
    begin(ledger, "two/1", 30, attempt=1)
    end(ledger, "two/1", 30, attempt=1)
    book.bury("one")
    assert (set(), set()) == (book.open, book.ending)
