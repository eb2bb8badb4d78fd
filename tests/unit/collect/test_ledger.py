"""Entering records: what is known must not depend on which process's file is read first."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_celery_perf.collect.book import Book
from pytest_celery_perf.collect.history import freeze
from pytest_celery_perf.collect.ledger import Ledger
from pytest_celery_perf.collect.spool import SpooledRecord
from pytest_celery_perf.model.history import History
from pytest_celery_perf.model.record import Outcome
from pytest_celery_perf.probe import wire

Files = Mapping[str, Sequence[wire.Record]]

TEST, MAIN, CHILD, OTHER = "test/1", "boot/main", "boot/child", "boot/other"


def process(file: str) -> wire.Process:
    boot, _, name = file.partition("/")
    return wire.Process(wire.FORMAT, 0, boot, sum(map(ord, name)), "clock")


def publishing(task: str, retries: int = 0, parent: str | None = None) -> list[wire.Record]:
    return [
        wire.Publishing(1, "token", task, "root", parent, f"shop.{task}", retries, "q", None, None, None),
        wire.Published(2, task, retries),
    ]


def received(task: str, at: int = 10, retries: int = 0) -> wire.Received:
    return wire.Received(at, "token", task, "root", None, f"shop.{task}", retries, f"tag-{task}", "q", None, False)


def finished(task: str, outcome: str | None, received_ns: int = 10, retries: int = 0) -> wire.Finished:
    return wire.Finished(30, task, retries, received_ns, outcome, 21, 29, 5, None, None, None, 0, 0, 0, False)


def run(task: str, outcome: str = "succeeded", received_ns: int = 10, retries: int = 0) -> list[wire.Record]:
    return [
        wire.Started(20, task, retries, received_ns, False),
        finished(task, outcome, received_ns, retries),
    ]


def acknowledged(task: str, received_ns: int = 10, retries: int = 0) -> wire.Acknowledged:
    return wire.Acknowledged(40, task, retries, received_ns)


def entered(files: Files, order: list[str] | None = None) -> tuple[Book, Ledger]:
    """Enter files as the reader finds them: each from its beginning, in some interleaving."""
    ledger = Ledger("clock", "test")
    book = ledger.open_book("token")
    rest: dict[str, list[wire.Record]] = {file: [process(file), *records] for file, records in files.items()}
    for file in order or [file for file, records in rest.items() for _ in records]:
        if rest[file]:
            ledger.enter(SpooledRecord(file, rest[file].pop(0)))
    for file, records in rest.items():
        for record in records:
            ledger.enter(SpooledRecord(file, record))
    return book, ledger


def history_of(files: Files, order: list[str] | None = None) -> History:
    return freeze(*entered(files, order))


SIMPLE: Files = {TEST: publishing("pay"), MAIN: [received("pay"), acknowledged("pay")], CHILD: run("pay")}
FAMILY: Files = {
    TEST: publishing("pay"),
    MAIN: [received("pay"), received("mail", 12), acknowledged("pay"), acknowledged("mail", 12)],
    CHILD: [wire.Started(20, "pay", 0, 10, True), *publishing("mail", parent="pay"), finished("pay", "succeeded")],
    OTHER: run("mail", received_ns=12),
}
RETRIED: Files = {
    TEST: publishing("pay"),
    MAIN: [received("pay"), acknowledged("pay"), received("pay", 50, 1), acknowledged("pay", 50, 1)],
    CHILD: [wire.Started(20, "pay", 0, 10, True), *publishing("pay", 1), finished("pay", "retried")],
    OTHER: run("pay", received_ns=50, retries=1),
}
BULK: Files = {
    TEST: [wire.Bulk(2, "token", "shop.pay", "q", None, None, None, True, ["a", "b"], [1, 3])],
    MAIN: [received("a"), acknowledged("a"), received("b", 12), acknowledged("b", 12)],
    CHILD: [*run("a"), *run("b", received_ns=12)],
}


@pytest.mark.parametrize("files", [SIMPLE, FAMILY, RETRIED, BULK], ids=["simple", "family", "retried", "bulk"])
@given(seed=st.integers(0, 10_000))
def test_the_order_of_reading_changes_nothing(files: Files, seed: int) -> None:
    order = [file for file, records in files.items() for _ in range(len(records) + 1)]
    random.Random(seed).shuffle(order)

    assert history_of(files) == history_of(files, order)


@pytest.mark.parametrize("files", [SIMPLE, FAMILY, RETRIED, BULK], ids=["simple", "family", "retried", "bulk"])
@given(seed=st.integers(0, 10_000))
def test_a_task_is_never_thought_done_while_an_end_is_missing(files: Files, seed: int) -> None:
    """Whatever has been read so far: with any process's last end unread, the test is not over."""
    order = [file for file, records in files.items() for _ in range(len(records) + 1)]
    random.Random(seed).shuffle(order)
    ends = sum(isinstance(record, wire.Finished) for records in files.values() for record in records)
    ledger = Ledger("clock", "test")
    book = ledger.open_book("token")
    rest: dict[str, list[wire.Record]] = {file: [process(file), *records] for file, records in files.items()}
    for record in rest.pop(TEST):  # publish calls have returned before anybody waits
        ledger.enter(SpooledRecord(TEST, record))
    seen = 0
    for file in order:
        if rest.get(file):
            record = rest[file].pop(0)
            seen += isinstance(record, wire.Finished)
            ledger.enter(SpooledRecord(file, record))
            # A later attempt that was read to its end tells that all earlier ones are over.
            if seen < ends and not (files is RETRIED and ("pay", 1) in book.publishing and seen):
                assert book.open or book.ending
    assert not book.open
    assert not book.ending


def test_an_execution_is_put_together_from_both_processes() -> None:
    (execution,) = history_of(SIMPLE).executions

    assert (
        execution.name,
        execution.delivery,
        execution.outcome,
        execution.received_ns,
        execution.started_ns,
        execution.body_started_ns,
        execution.body_ended_ns,
        execution.ended_ns,
        execution.acknowledged_ns,
    ) == ("shop.pay", 1, Outcome.SUCCEEDED, 10, 20, 21, 29, 30, 40)
    assert process(CHILD).pid == execution.pid


def test_a_start_without_an_end_is_a_crash() -> None:
    files: Files = {TEST: publishing("pay"), MAIN: [received("pay")], CHILD: [wire.Started(20, "pay", 0, 10, True)]}
    book, ledger = entered(files)

    (execution,) = freeze(book, ledger).executions
    assert execution.crashed
    assert {"pay"} == book.open


def test_deliveries_of_one_attempt_are_numbered() -> None:
    files: Files = {
        TEST: publishing("pay"),
        MAIN: [received("pay"), wire.Requeued(15, "pay", 0, 10), received("pay", 50), acknowledged("pay", 50)],
        CHILD: [wire.Started(11, "pay", 0, 10, True)],
        OTHER: run("pay", received_ns=50),
    }

    assert [(execution.delivery, execution.outcome) for execution in history_of(files).executions] == [
        (1, None),
        (2, Outcome.SUCCEEDED),
    ]


def test_what_was_requeued_is_open_until_it_comes_back() -> None:
    book, _ = entered(
        {TEST: publishing("pay"), MAIN: [received("pay"), wire.Requeued(40, "pay", 0, 10)], CHILD: run("pay")}
    )

    assert {"pay"} == book.open


def test_a_publish_that_never_returned_is_not_waited_for() -> None:
    begun, _ = publishing("pay")
    book, ledger = entered({TEST: [begun]})

    assert not book.open
    (publication,) = freeze(book, ledger).publications
    assert not publication.confirmed


def test_a_worker_that_reports_a_lost_child_ends_the_task() -> None:
    lost = wire.Failed(35, "pay", "lost", ["billiard.exceptions.WorkerLostError", "signal 9", None])
    files: Files = {
        TEST: publishing("pay"),
        MAIN: [received("pay"), acknowledged("pay"), lost],
        CHILD: [wire.Started(20, "pay", 0, 10, True)],
    }
    book, ledger = entered(files)

    (execution,) = freeze(book, ledger).executions
    assert (execution.outcome, execution.crashed) == (Outcome.LOST, True)
    assert not book.open


@pytest.mark.parametrize(
    ("record", "outcome"),
    [(wire.Revoked(5, "pay", True), Outcome.REVOKED), (wire.Unknown(5, "pay", "shop.pay", "w@h"), Outcome.REJECTED)],
)
def test_a_message_that_no_worker_will_run_is_done(record: wire.Record, outcome: Outcome) -> None:
    book, ledger = entered({TEST: publishing("pay"), MAIN: [record]})

    assert not book.open
    assert [outcome] == [publication.discarded for publication in freeze(book, ledger).publications]


def test_celerys_own_tasks_are_waited_for_but_not_judged() -> None:
    begun, done = publishing("unlock")
    assert isinstance(begun, wire.Publishing)
    book, ledger = entered({TEST: [begun._replace(name="celery.chord_unlock"), done]})

    assert {"unlock"} == book.open
    assert freeze(book, ledger).publications == ()


def test_records_of_other_tests_are_dropped() -> None:
    other = received("pay")._replace(token="of another test")
    book, ledger = entered({MAIN: [other, acknowledged("pay")], CHILD: run("pay")})

    assert History() == freeze(book, ledger)


def test_what_the_broker_has_again_is_expected_again() -> None:
    book, _ = entered({TEST: publishing("a"), MAIN: [received("a"), acknowledged("a")], CHILD: run("a")})
    assert book.open == set()
    book.expect_again("a")
    book.expect_again("a")  # it is still there
    assert book.open == {"a"}
    book.expect_no_more("a")
    assert book.open == set()


def enter(ledger: Ledger, file: str, *records: wire.Record) -> None:
    for record in records:
        ledger.enter(SpooledRecord(file, record))


@pytest.fixture
def expecting() -> tuple[Book, Ledger]:
    """Return a task that has ended, and whose message the broker has again."""
    book, ledger = entered({TEST: publishing("a"), MAIN: [received("a"), acknowledged("a")], CHILD: run("a")})
    book.expect_again("a")
    return book, ledger


def test_an_expected_delivery_is_waited_for_until_it_ends(expecting: tuple[Book, Ledger]) -> None:
    book, ledger = expecting
    enter(ledger, MAIN, received("a", 100), wire.Started(101, "a", 0, 100, False))
    assert book.open == {"a"}
    enter(ledger, MAIN, finished("a", "succeeded", 100), acknowledged("a", 100))
    assert book.open | book.ending == set()


@pytest.mark.parametrize("told", [[], [received("a", 100)]])
def test_an_expected_delivery_may_expire(expecting: tuple[Book, Ledger], told: list[wire.Record]) -> None:
    book, ledger = expecting
    enter(ledger, MAIN, *told, wire.Revoked(101, "a", True), *[acknowledged("a", 100) for _ in told])
    assert book.open | book.ending == set()


def test_an_expected_delivery_does_not_wait_for_one_that_died_with_its_worker() -> None:
    successor = "successor/main"
    book, ledger = entered({TEST: publishing("a"), MAIN: [received("a"), wire.Started(20, "a", 0, 10, False)]})
    book.bury("boot")
    enter(ledger, successor, process(successor))
    for at in (100, 200):
        enter(ledger, successor, received("a", at), *run("a", received_ns=at), acknowledged("a", at))
        assert book.open | book.ending == set()
        if at == 100:
            book.expect_again("a")


def test_an_expected_delivery_does_not_wait_for_one_that_was_forgotten() -> None:
    book, ledger = entered({TEST: publishing("a"), MAIN: [received("a"), wire.Forgot(50, submitted=True)]})
    enter(ledger, MAIN, received("a", 100), *run("a", received_ns=100), acknowledged("a", 100))
    book.expect_again("a")
    enter(ledger, MAIN, received("a", 200), *run("a", received_ns=200), acknowledged("a", 200))
    assert book.open | book.ending == set()


def test_a_worker_forgets_what_it_had_received_before_its_connection_broke() -> None:
    book, _ = entered(
        {
            TEST: [*publishing("a"), *publishing("b")],
            MAIN: [received("a"), wire.Forgot(50, submitted=True), received("b", 60)],
        }
    )
    assert book.forgotten(book.draft(("a", 0, 10)))
    assert not book.forgotten(book.draft(("b", 0, 60)))


def test_each_message_of_a_bulk_is_a_publication_of_its_own() -> None:
    history = history_of(BULK)

    assert [("a", 1, True), ("b", 3, True)] == [
        (each.task_id, each.intended_ns, each.confirmed) for each in history.publications
    ]
    assert [Outcome.SUCCEEDED] * 2 == [each.outcome for each in history.executions]


def test_a_bulk_that_the_broker_did_not_confirm_is_not_waited_for() -> None:
    bulk = wire.Bulk(2, "token", "shop.pay", "q", None, None, None, False, ["a"], None)
    book, ledger = entered({TEST: [bulk]})

    assert not book.open
    assert [False] == [each.confirmed for each in freeze(book, ledger).publications]


def test_a_bulk_of_another_test_is_dropped() -> None:
    bulk = wire.Bulk(2, "of another test", "shop.pay", "q", None, None, None, True, ["a"], None)

    assert History() == history_of({TEST: [bulk]})


def test_a_book_that_is_closed_takes_nothing_away_from_another() -> None:
    """A child wrote what is read before the word of its main process; in between the others come to their end."""
    ledger = Ledger("clock", "test")
    book, other = ledger.open_book("token"), ledger.open_book("other")
    for file, records in ((CHILD, run("a")), (MAIN, [received("a"), acknowledged("a")])):
        for record in (process(file), *records):
            ledger.enter(SpooledRecord(file, record))
        ledger.close_book(other)
    assert (book.open, book.ending) == (set(), set())
