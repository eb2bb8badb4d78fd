"""Delivers a message a second time: when its task has ended, or while its first delivery is held in mid-task."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from pytest_celery_perf.broker import inspect
from pytest_celery_perf.collect.book import Book
from pytest_celery_perf.collect.draft import Draft
from pytest_celery_perf.model.faults import Fault
from pytest_celery_perf.model.units import NS_PER_S
from pytest_celery_perf.probe import wire
from pytest_celery_perf.probe.orders import AGAIN, HEADER, FaultOrder
from pytest_celery_perf.runner.gates import Gates
from pytest_celery_perf.runner.pool import Pool
from pytest_celery_perf.worker.twin import queue_of_twin, twin

LOCKED_S = 0.5
"""A second delivery whose query has no answer for so long waits for a lock of the first. Shorter than any time for
which a database lets somebody wait: it would give up, for no other reason than that the first is held. One that
computes, or waits for a core, waits for no lock, though it has no answer either."""
SILENT_S = 5.0
"""The same for a second delivery that does anything else: whatever keeps it, the first must go on some time."""
LATE_S = 0.2
"""Who looks again later than that was kept from it, and so maybe was the second delivery, or its database: of the time
between two looks no more counts as silence."""
_LOCKING = ("query", "commit", "rollback")


@dataclass(slots=True)
class _Again:
    """A message that is to be delivered again, or was."""

    order: FaultOrder
    first: Draft
    sent_ns: int | None = None
    task_id: str = ""
    """Of the second message."""

    @property
    def holds(self) -> bool:
        """Whether the first delivery waits for the second."""
        return self.order.at != "acknowledgment"


class Duplicates:
    """Carries out the orders ``again`` and ``double`` of one test.

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
        self._now_ns = 0
        """Until when all that was recorded has been read: what seems to be silence after that may be our own delay."""
        self._stalls: list[tuple[int, int]] = []
        """When it was looked too late, and by how many nanoseconds."""
        self._pending: list[_Again] = []

    def tend(self, now_ns: int) -> None:
        """Deal with what has happened since the last call.

        Args:
            now_ns: A time before the records were read, by the monotonic clock.
        """
        late_ns = now_ns - self._now_ns - round(LATE_S * NS_PER_S)
        if self._pending and late_ns > 0:
            self._stalls.append((now_ns, late_ns))
        self._now_ns = now_ns
        news, self._seen = self._book.faults[self._seen :], len(self._book.faults)
        self._pending += [again for fault in news if fault.kind in AGAIN and (again := self._found(fault))]
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
        return min((min(left_s, LATE_S / 2) for left_s in waiting), default=SILENT_S)

    def _found(self, fault: Fault) -> _Again | None:
        order = next((each for each in self._faults if each.do == fault.kind and each.at == fault.point), None)
        first = None if order is None else self._book.latest(fault.task_id or "", order.attempt)
        return None if order is None or first is None else _Again(order, first)

    def _send(self, again: _Again) -> None:
        """Deliver the message again, once it is known and, where nobody waits, the first delivery has ended."""
        content, published = again.first.content, self._book.publishing.get(again.first.key[:2])
        if content is None or published is None or not (again.holds or again.first.outcome):
            return
        queue = self._queue(again.first, published)
        content = _unharmed(content)
        again.sent_ns = time.monotonic_ns()
        if again.order.do == "again":
            again.task_id = published.id
            self._book.copy(published.id, published.retries)
        else:
            again.task_id = str(uuid4())
            content = _renamed(content, again.task_id)
            root = content["headers"]["root_id"]
            self._book.publish(published._replace(ns=again.sent_ns, id=again.task_id, root=root), "")
            self._book.confirmed.add((again.task_id, published.retries))
            self._book.settle(again.task_id)
        self._book.note("delivered-again", task_id=again.task_id, detail=f"to {queue!r}")
        inspect.deliver_again(self._app, queue, content, redelivered=again.order.do == "again")

    def _queue(self, first: Draft, published: wire.Publishing) -> str:
        members = {member.boot: member.spec for member in self._pool.members}
        spec = members.get(first.boot)
        if spec is not None and twin(spec) in members.values():
            return queue_of_twin(spec.name)
        return published.queue or ""

    def _second(self, again: _Again) -> Draft | None:
        received = self._book.deliveries(again.task_id, again.first.key[1])
        return next((each for each in received if each.key[2] > (again.sent_ns or 0)), None)

    def _over(self, again: _Again) -> str:
        """Say why the first delivery need not wait any longer; empty if it must."""
        second = self._second(again)
        if second is not None and (second.outcome or second.requeued_ns):
            return "the second delivery has ended"
        if not again.holds or self._left_s(again) > 0:
            return ""
        last = _last_touch(second)
        where = f" at {last.kind} {last.label}".rstrip() if last else ""
        return f"the second delivery waits{where}"

    def _left_s(self, again: _Again) -> float:
        """Return for how many seconds more the second delivery may be silent."""
        second = self._second(again)
        last = _last_touch(second)
        patience_s = SILENT_S
        if second is None or last is None:
            since_ns = again.sent_ns or 0
        else:
            since_ns = max(last.ns, second.answered_ns)
            if last.kind in _LOCKING and since_ns == last.ns and self._is_asleep(second):
                patience_s = LOCKED_S
        return max(0.0, patience_s - self._silence_ns(since_ns) / NS_PER_S)

    def _silence_ns(self, since_ns: int) -> int:
        """Return for how long nothing was heard, though somebody listened."""
        missed_ns = sum(min(late_ns, at_ns - since_ns) for at_ns, late_ns in self._stalls if at_ns > since_ns)
        return self._now_ns - since_ns - missed_ns

    def _is_asleep(self, second: Draft) -> bool:
        """Tell whether the process that runs a delivery waits, for whatever that is."""
        worker = next((each.worker for each in self._pool.members if each.boot == second.boot), None)
        return worker is None or second.pid is None or worker.is_asleep(second.pid)


def _last_touch(second: Draft | None) -> wire.Touched | None:
    """Return where the process is that runs a delivery; its early acknowledgment, which another makes, says nothing."""
    touched = [] if second is None else [touch for touch in second.touched if touch.kind != "acknowledgment"]
    return touched[-1] if touched else None


def _unharmed(content: dict[str, Any]) -> dict[str, Any]:
    """Return a message as it was published, without the order of which it is the consequence."""
    header = {key: value for key, value in content["headers"][HEADER].items() if key != "received"}
    header["faults"] = [each for each in header["faults"] if each["do"] not in AGAIN]
    return {**content, "headers": {**content["headers"], HEADER: header}}


def _renamed(content: dict[str, Any], task_id: str) -> dict[str, Any]:
    """Return a message with another id, as if its publisher had published it twice."""
    given = content["headers"]
    root = task_id if given.get("root_id") == given["id"] else given.get("root_id")
    headers = {**given, "id": task_id, "root_id": root}
    return {**content, "headers": headers, "properties": {**content["properties"], "correlation_id": task_id}}
