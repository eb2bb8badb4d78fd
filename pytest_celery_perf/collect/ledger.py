"""Enters each record into the book of the test that it belongs to."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from pytest_celery_perf.collect.book import Book
from pytest_celery_perf.collect.draft import Key
from pytest_celery_perf.collect.spool import SpooledRecord
from pytest_celery_perf.model.faults import Fault
from pytest_celery_perf.model.record import Frame, Outcome, TaskOptions, WorkerInfo
from pytest_celery_perf.probe import wire

TaskRecord = (
    wire.Published
    | wire.Message
    | wire.Accepted
    | wire.Started
    | wire.Finished
    | wire.Failed
    | wire.Acknowledged
    | wire.Requeued
    | wire.Revoked
    | wire.Unknown
    | wire.Faulted
    | wire.Touched
    | wire.Answered
    | wire.Measured
)
"""What is about one task, and tells neither its name nor its test."""


@dataclass(slots=True)
class _File:
    process: wire.Process
    statements: dict[int, str] = field(default_factory=dict)
    stacks: dict[int, tuple[Frame, ...]] = field(default_factory=dict)


class Ledger:
    """All that the processes of a session have written down.

    Args:
        clock: The test process's clock; see `probe.journal.clock_id`.
        own_boot: The name under which the test process itself writes.
    """

    def __init__(self, clock: str, own_boot: str) -> None:
        self.clock = clock
        self._own_boot = own_boot
        self.files: dict[str, _File] = {}
        self.workers: dict[str, WorkerInfo] = {}
        """By boot."""
        self.tasks: dict[str, TaskOptions] = {}
        self._books: dict[str, Book] = {}
        self._book_of: dict[str, Book] = {}
        self._early: dict[str, list[tuple[str, TaskRecord]]] = {}
        """Records of tasks whose test is not known yet: the file that tells is read later."""

    def open_book(self, token: str) -> Book:
        """Begin to keep the records of a test; those of unknown tests are dropped."""
        self._books[token] = Book(token)
        return self._books[token]

    def close_book(self, book: Book) -> None:
        """Forget a test."""
        self._books.pop(book.token, None)
        self._book_of = {task: other for task, other in self._book_of.items() if other is not book}
        if not self._books:  # else they may be of a test that has only let another one run aside
            self._early.clear()

    def enter(self, spooled: SpooledRecord) -> None:
        """Enter one record."""
        record = spooled.record
        match record:
            case wire.Process():
                self.files[spooled.file] = _File(record)
            case wire.Statement():
                self.files[spooled.file].statements[record.ref] = record.sql
            case wire.Stack():
                self.files[spooled.file].stacks[record.ref] = tuple(map(frame_of, record.frames))
            case wire.Ready():
                self._enter_ready(self.files[spooled.file].process, record)
            case wire.Task():
                self.tasks[record.name] = _options(record)
            case wire.Forgot() | wire.Problem():
                self._enter_in_all(self.files[spooled.file].process.boot, record)
            case wire.Publishing() | wire.Received() | wire.Bulk():
                self._enter_with_token(spooled, record)
            case _:
                book_of = self._book_of.get(record.id)
                if book_of is None:
                    self._early.setdefault(record.id, []).append((spooled.file, record))
                else:
                    self._enter_in(book_of, spooled.file, record)

    def _enter_ready(self, process: wire.Process, record: wire.Ready) -> None:
        self.workers[process.boot] = WorkerInfo(
            name=record.node,
            boot=process.boot,
            pid=process.pid,
            pool=record.pool,
            concurrency=record.concurrency,
            queues=tuple(record.queues),
            registered=frozenset(record.registered),
            ready_ns=record.ns,
            comparable_clock=process.clock == self.clock,
            visibility_timeout_s=record.visibility_timeout_s,
            restore_delay_s=record.restore_delay_s,
            celery=record.celery,
            priority_steps=tuple(record.priority_steps),
            started_how=record.started,
        )

    def _enter_in_all(self, boot: str, record: wire.Forgot | wire.Problem) -> None:
        for book in self._books.values():
            if isinstance(record, wire.Forgot):
                book.forget(boot, record)
            else:
                book.problems.append(record.text)

    def _enter_with_token(self, spooled: SpooledRecord, record: wire.Publishing | wire.Received | wire.Bulk) -> None:
        book = self._books.get(record.token)
        if book is None:
            return
        boot = self.files[spooled.file].process.boot
        if not isinstance(record, wire.Bulk):
            self._enter_task(book, boot, record)
            return
        for publishing in _publishings(record):
            if record.confirmed:
                book.confirmed.add((publishing.id, publishing.retries))
            self._enter_task(book, boot, publishing)

    def _enter_task(self, book: Book, boot: str, record: wire.Publishing | wire.Received) -> None:
        if record.id not in self._book_of:
            self._book_of[record.id] = book
        if isinstance(record, wire.Publishing):
            book.publish(record, "" if boot == self._own_boot else boot)
        else:
            draft = book.draft((record.id, record.retries, record.ns))
            draft.received, draft.boot = record, boot
        for early in self._early.pop(record.id, ()):
            self._enter_in(book, *early)
        book.settle(record.id)

    def _enter_in(self, book: Book, file: str, record: TaskRecord) -> None:
        match record:
            case wire.Published():
                book.confirmed.add((record.id, record.retries))
            case wire.Started() | wire.Finished():
                self._enter_run(book, file, record)
            case wire.Message() | wire.Accepted() | wire.Acknowledged() | wire.Requeued():
                _enter_message(book, record)
            case wire.Failed() if (draft := book.of_worker(record.id, self.files[file].process.boot)) is not None:
                draft.failed = record
            case wire.Revoked():
                book.discarded[record.id] = Outcome.REVOKED
                book.expired.update([record.id] if record.expired else [])
            case wire.Unknown():
                book.discarded[record.id] = Outcome.REJECTED
                book.unknown[record.id] = record
            case wire.Touched() | wire.Answered() | wire.Measured():
                _enter_detail(book, record)
            case wire.Faulted():
                self._enter_fault(book, file, record)
        book.settle(record.id)

    def _enter_fault(self, book: Book, file: str, record: wire.Faulted) -> None:
        if record.kind.startswith("kill-"):
            book.strike([record.id])
        boot = self.files[file].process.boot
        book.faults.append(
            Fault(kind=record.kind, at_ns=record.ns, point=record.point, task_id=record.id, pid=record.pid, boot=boot)
        )

    def _enter_run(self, book: Book, file: str, record: wire.Started | wire.Finished) -> None:
        draft = book.draft(_key(record))
        draft.file = file
        if isinstance(record, wire.Started):
            draft.started, draft.pid = record, self.files[file].process.pid
        else:
            draft.finished = record

    def children_of(self, info: WorkerInfo) -> tuple[tuple[int, int], ...]:
        """Return (pid, when it began) of a worker's children."""
        processes = (file.process for file in self.files.values())
        return tuple((each.pid, each.ns) for each in processes if each.boot == info.boot and each.pid != info.pid)

    def forget(self, boot: str) -> None:
        """Drop the files of a worker that has ended, once no book needs them."""
        self.files = {file: content for file, content in self.files.items() if content.process.boot != boot}


def _publishings(bulk: wire.Bulk) -> Iterator[wire.Publishing]:
    for number, task_id in enumerate(bulk.ids):
        yield wire.Publishing(
            ns=bulk.ns,
            token=bulk.token,
            id=task_id,
            root=None,
            parent=None,
            name=bulk.name,
            retries=0,
            queue=bulk.queue,
            priority=bulk.priority,
            countdown_s=bulk.countdown_s,
            waited_s=bulk.waited_s,
            intended_ns=bulk.intended_ns[number] if bulk.intended_ns else None,
        )


def _enter_message(book: Book, record: wire.Message | wire.Accepted | wire.Acknowledged | wire.Requeued) -> None:
    draft = book.draft(_key(record))
    if isinstance(record, wire.Message):
        draft.content = record.content
    elif isinstance(record, wire.Accepted):
        draft.accepted_ns = record.ns
    elif isinstance(record, wire.Acknowledged):
        draft.acknowledged_ns = record.ns
        book.doubtful.add(record.id)
    else:
        draft.requeued_ns = record.ns


def _enter_detail(book: Book, record: wire.Touched | wire.Answered | wire.Measured) -> None:
    draft = book.draft(_key(record))
    if isinstance(record, wire.Touched):
        draft.touched.append(record)
    elif isinstance(record, wire.Answered):
        draft.answered_ns = record.ns
    else:
        draft.measured[record.instrument] = record.rows


def frame_of(told: Sequence[Any]) -> Frame:
    """Return a line of code that the wire tells as path, line and function."""
    path, line, function = told
    return Frame(path=path, line=line, function=function)


def _options(record: wire.Task) -> TaskOptions:
    fields = record._asdict()
    if record.defined is not None:
        fields["defined"] = frame_of(record.defined)
    return TaskOptions(**fields)


def _key(
    record: wire.Message
    | wire.Accepted
    | wire.Started
    | wire.Finished
    | wire.Acknowledged
    | wire.Requeued
    | wire.Touched
    | wire.Answered
    | wire.Measured,
) -> Key:
    return (record.id, record.retries, record.received_ns)
