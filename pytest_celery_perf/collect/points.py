"""The points at which executions touched the outside world."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from pytest_celery_perf.collect.book import Book
from pytest_celery_perf.collect.ledger import Ledger
from pytest_celery_perf.model.record import Execution, Point


def points_of(executions: Iterable[Execution], book: Book, ledger: Ledger) -> tuple[Point, ...]:
    """Return the points of executions, those of each in their order.

    Args:
        executions: Of the book.
        book: The records of a test.
        ledger: Knows what the numbers in the records stand for.
    """
    return tuple(point for execution in executions for point in _points(execution, book, ledger))


def _points(execution: Execution, book: Book, ledger: Ledger) -> Iterator[Point]:
    draft = book.executions[execution.task_id][execution.task_id, execution.retries, execution.received_ns or 0]
    last = max((record.number for record in draft.touched), default=0)
    # By number: an early acknowledgment may come in at any time.
    for record in sorted(draft.touched, key=lambda record: record.number or last + 1):
        yield Point(
            number=record.number or last + 1,  # the worker's main process does not know how many there were
            kind=record.kind,
            label=record.label,
            task_id=execution.task_id,
            name=execution.name,
            retries=execution.retries,
            delivery=execution.delivery,
            at_ns=record.ns,
            stack=() if record.stack is None else ledger.files[draft.file].stacks[record.stack],
        )
