"""Judges one run of a test in which a message was delivered twice: what its two deliveries came to."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from pytest_celery_perf.judge.phrases import closest
from pytest_celery_perf.judge.subjects import Subject
from pytest_celery_perf.measure.counterparts import counterparts
from pytest_celery_perf.measure.fingerprint import readable
from pytest_celery_perf.model.history import History
from pytest_celery_perf.model.record import Execution, Outcome, Point, TaskError
from pytest_celery_perf.probe.orders import AGAIN

_LABEL = 60
_LOCKED = "database is locked"
_ORDINALS = ("1st", "2nd", "3rd")


def ids(history: History, point: Point) -> frozenset[str]:
    """Return the ids of the task that was delivered twice: two, if the second message had an id of its own."""
    struck = (each for each in history.faults if each.kind in AGAIN and each.point == point.at)
    sent = (each for each in history.faults if each.kind == "delivered-again")
    return frozenset(each.task_id for each in (*struck, *sent) if each.task_id is not None)


def deliveries(history: History, point: Point) -> tuple[Execution, ...]:
    """Return the executions of the attempt that was delivered twice, in the order of receipt."""
    twice = ids(history, point)
    return tuple(each for each in history.executions if each.task_id in twice and each.retries == point.retries)


def outcome(history: History, point: Point) -> str:
    """Say in a few words how the deliveries ended, and whether one of them kept the other waiting."""
    when = "in sequence" if point.kind == "acknowledgment" else "at once"
    ends = ", ".join(
        f"{_ORDINALS[min(number, 2)]} {each.outcome or 'did not end'}"
        for number, each in enumerate(deliveries(history, point))
    )
    waited = next((each.detail for each in history.faults if each.kind == "released" and "waits" in each.detail), "")
    _, _, where = waited.partition(" waits at query ")
    if where:
        return f"{when}: {ends}; 2nd waited for 1st at {readable(where, _LABEL)}"
    return f"{when}: {ends}{'; 2nd waited for 1st' if waited else ''}"


def refusals(history: History, reference: History, point: Point, declared: Collection[str]) -> Iterator[TaskError]:
    """Yield the errors of deliveries that failed, at once or when they had been tried again, which nobody expects.

    Args:
        history: Of the run.
        reference: Of a run with one delivery; what the same task fails with there, it may fail with here.
        point: Where the message was delivered again.
        declared: Names of exceptions with which a delivery may leave the work to the other.
    """
    twice = ids(history, point)
    own = counterparts(reference, history)
    once = {own[each] for each in twice if each in own}
    ends = (each for each in reference.named(point.name) if not once or each.task_id in once)
    usual = {each.error.type for each in ends if each.outcome is Outcome.FAILED and each.error}
    for each in history.executions:
        again = each.task_id in twice and each.retries >= point.retries
        error = each.error if again and each.outcome is Outcome.FAILED else None
        if error and {error.type, error.type.rpartition(".")[2]}.isdisjoint({*usual, *declared}):
            yield error


def refused(error: TaskError, subject: Subject) -> str:
    """Tell with which error a delivery failed, and where."""
    place = f" at {subject.place(error.where)}" if error.where else ""
    return f"FAILED: a delivery failed with {error.type.rpartition('.')[2]}: {error.message}{place}"


def remedies(
    errors: Collection[TaskError], point: Point, declared: Collection[str], *, differs: bool, outbound: bool
) -> Iterator[str]:
    """Yield what the reader should change.

    Args:
        errors: With which deliveries failed.
        point: Where the message was delivered again.
        declared: Names of exceptions with which a delivery may leave the work to the other.
        differs: Whether the two deliveries left behind something else than one.
        outbound: Whether they did more to others than they may.
    """
    for error in {each.type: each for each in errors}.values():
        kind = error.type.rpartition(".")[2]
        if _LOCKED in error.message:
            yield (
                "SQLite refuses to write in a transaction that read before somebody else wrote: begin it with "
                'OPTIONS = {"transaction_mode": "IMMEDIATE"} (Django 5.1), retry it, or run the tests on the database '
                "that production has"
            )
        else:
            near = closest(kind, declared)
            yield (
                f"let a delivery whose work another one has done, or does, end without an error: catch {kind}, or "
                f"declare it: refusals=[{kind}]" + (f"; did you mean that by {near!r}?" if near else "")
            )
    if outbound:
        yield (
            "a call cannot be taken back: claim the work before it (below), or give it a key by which the other side "
            "knows it again"
        )
    if (differs or outbound) and point.kind == "acknowledgment":
        yield (
            "what the first delivery committed is there when the second begins: find it (a unique key, a state in the "
            "row, an INSERT … ON CONFLICT), and do nothing"
        )
    elif differs or outbound:
        yield (
            "what it had read before the point was no longer true after it: claim the row in one step, by UPDATE … "
            "WHERE state = … RETURNING, or by select_for_update(skip_locked=True) in the transaction that writes"
        )
