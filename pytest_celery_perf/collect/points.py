"""The points at which executions touched the outside world."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from pytest_celery_perf.collect.book import Book
from pytest_celery_perf.collect.ledger import Ledger
from pytest_celery_perf.model.record import Execution, Frame, Point


def points_of(executions: Iterable[Execution], book: Book, ledger: Ledger) -> tuple[Point, ...]:
    """Return the points of executions, in order of time.

    Args:
        executions: Of the book.
        book: The records of a test.
        ledger: Knows what the numbers in the records stand for.
    """
    points = (point for execution in executions for point in _points(execution, book, ledger))
    return tuple(sorted(points, key=lambda point: point.at_ns))


def _points(execution: Execution, book: Book, ledger: Ledger) -> Iterator[Point]:
    draft = book.executions[execution.task_id][execution.task_id, execution.retries, execution.received_ns or 0]
    last = max((record.number for record in draft.touched), default=0)
    for record in draft.touched:
        frames = [] if record.stack is None else ledger.files[draft.file].stacks[record.stack]
        yield Point(
            number=record.number or last + 1,  # the worker's main process does not know how many there were
            kind=record.kind,
            label=record.label,
            task_id=execution.task_id,
            name=execution.name,
            retries=execution.retries,
            delivery=execution.delivery,
            at_ns=record.ns,
            stack=tuple(Frame(path=path, line=line, function=function) for path, line, function in frames),
        )
