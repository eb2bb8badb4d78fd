"""Delivers a message a second time: when its task has ended, or while its first delivery is held in mid-task."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

from pytest_celery_perf.broker import inspect
from pytest_celery_perf.collect.book import Book, Draft
from pytest_celery_perf.model.record import Fault
from pytest_celery_perf.probe.orders import HEADER, FaultOrder
from pytest_celery_perf.runner.gates import Gates
from pytest_celery_perf.runner.pool import Pool
from pytest_celery_perf.worker.twin import queue_of_twin, twin

LOCKED_S = 0.5
"""A second delivery that has come to a query and is silent for so long waits for a lock of the first. Shorter than any
time for which a database lets somebody wait: it would give up, for no other reason than that the first is held."""
SILENT_S = 5.0
"""The same for a second delivery that does anything else: whatever keeps it, the first must go on some time."""
_LOCKING = ("query", "commit", "rollback")


@dataclass(slots=True)
class _Again:
    """A message that is to be delivered again, or was."""

    order: FaultOrder
    first: Draft
    sent_ns: int | None = None

    @property
    def holds(self) -> bool:
        """Whether the first delivery waits for the second."""
        return self.order.at != "acknowledgment"


class Duplicates:
    """Carries out the orders ``again`` of one test.

    Args:
        book: The test's records.
        pool: Its workers; the twin of the one that has the message gets the copy, if it has a twin.
        app: The Celery app, in the test process.
        faults: What is ordered.
        gates: Where first deliveries wait.
    """

    def __init__(self, book: Book, pool: Pool, app: Any, *, faults: list[FaultOrder], gates: Gates) -> None:
        self._book = book
        self._pool = pool
        self._app = app
        self._faults = faults
        self._gates = gates
        self._seen = 0
        self._pending: list[_Again] = []

    def tend(self) -> None:
        """Deal with what has happened since the last call."""
        news, self._seen = self._book.faults[self._seen :], len(self._book.faults)
        self._pending += [again for fault in news if fault.kind == "again" and (again := self._found(fault))]
        for again in list(self._pending):
            if again.sent_ns is None:
                self._send(again)
            elif reason := self._over(again):
                self._pending.remove(again)
                if again.holds:
                    self._book.note("released", task_id=again.first.key[0], detail=reason)
                    self._gates.open(again.order.key)

    @property
    def patience_s(self) -> float:
        """For how many seconds `tend` has nothing to do unless somebody rings: for a touch point nobody does."""
        waiting = (self._left_s(again) for again in self._pending if again.holds and again.sent_ns is not None)
        return min((min(left_s, LOCKED_S) for left_s in waiting), default=SILENT_S)

    def _found(self, fault: Fault) -> _Again | None:
        order = next((each for each in self._faults if each.do == "again" and each.at == fault.point), None)
        first = None if order is None else self._book.latest(fault.task_id or "", order.attempt)
        return None if order is None or first is None else _Again(order, first)

    def _send(self, again: _Again) -> None:
        content = again.first.content
        if content is None or not (again.holds or again.first.outcome):
            return  # not read yet, or not ended yet
        task_id, attempt, _ = again.first.key
        header = content["headers"][HEADER]
        faults = [each for each in header.get("faults", ()) if each["do"] != "again"]
        kept = {key: value for key, value in header.items() if key not in ("received", "faults")}
        headers = {**content["headers"], HEADER: {**kept, "faults": faults} if faults else kept}
        queue = self._queue(again.first)
        again.sent_ns = time.monotonic_ns()
        self._book.copy(task_id, attempt)
        self._book.note("delivered-again", task_id=task_id, detail=f"to {queue!r}")
        inspect.deliver_again(self._app, queue, {**content, "headers": headers})

    def _queue(self, first: Draft) -> str:
        members = {member.boot: member.spec for member in self._pool.members}
        spec = members.get(first.boot)
        if spec is not None and twin(spec) in members.values():
            return queue_of_twin(spec.name)
        published = self._book.publishing.get(first.key[:2])
        received = first.received.queue if first.received is not None else None
        return (published.queue if published is not None else received) or ""

    def _second(self, again: _Again) -> Draft | None:
        later = (each for each in self._book.deliveries(*again.first.key[:2]) if each.key[2] > (again.sent_ns or 0))
        return next(later, None)

    def _over(self, again: _Again) -> str:
        """Say why the first delivery need not wait any longer; empty if it must."""
        second = self._second(again)
        if second is not None and (second.outcome or second.requeued_ns):
            return "the second delivery has ended"
        if not again.holds or self._left_s(again) > 0:
            return ""
        last = second.touched[-1] if second is not None and second.touched else None
        where = f" at {last.kind} {last.label}".rstrip() if last else ""
        return f"the second delivery waits{where}"

    def _left_s(self, again: _Again) -> float:
        """Return for how many seconds more the second delivery may be silent."""
        second = self._second(again)
        last = second.touched[-1] if second is not None and second.touched else None
        since_ns = last.ns if last is not None else again.sent_ns or 0
        patience_s = LOCKED_S if last is not None and last.kind in _LOCKING else SILENT_S
        return max(0.0, patience_s - (time.monotonic_ns() - since_ns) / 1e9)
