"""The points at which an execution touches the outside world, numbered in their order.

Only what a message asks for is done: see `Header`. What touches is found by `probe/effects.py`.
"""

from __future__ import annotations

import itertools
import re
import sys
import time
from typing import TYPE_CHECKING, Any, NamedTuple

from pytest_celery_perf.probe import wire
from pytest_celery_perf.probe.callsite import user_stack
from pytest_celery_perf.probe.orders import way_on

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pytest_celery_perf.probe.attempt import RunningAttempt
    from pytest_celery_perf.probe.faults import Faults
    from pytest_celery_perf.probe.journal import Journal
    from pytest_celery_perf.probe.orders import FaultOrder

_VARIABLE = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|\b(?=[a-f]*\d)[0-9a-f]{8,}\b|\d+", re.IGNORECASE)
"""What a name has of one run alone: UUIDs, digests, numbers."""


def stable(name: str) -> str:
    """Return a name without what changes from run to run."""
    return _VARIABLE.sub("#", name)


def is_wanted(header: dict[str, Any], orders: Iterable[FaultOrder]) -> bool:
    """Tell whether a message asks for the touch points of its execution."""
    return bool(header.get("touch")) or any(order.touches for order in orders)


class Touch(NamedTuple):
    """A point that was written down, and whose effect has not happened yet."""

    number: int
    kind: str
    label: str

    @property
    def found(self) -> str:
        """What an order may expect; see `FaultOrder.expect`."""
        return f"{self.kind} {self.label}".rstrip()


class Touches:
    """The touch points of one execution.

    Each is written down before its effect, and then the faults that are due there strike.

    Args:
        attempt: The execution.
        faults: Carries the faults out.
        journal: Where the points are written.
    """

    __slots__ = ("_attempt", "_faults", "_journal", "_numbers", "_open", "_orders", "_publishing", "_way")

    def __init__(self, attempt: RunningAttempt, faults: Faults, journal: Journal) -> None:
        self._attempt = attempt
        self._faults = faults
        self._journal = journal
        # Threads of one task may touch at the same time: `next` on it takes no lock and repeats no number.
        self._numbers = itertools.count(1)
        self._orders = [order for order in attempt.orders if order.attempt in (None, attempt.retries)]
        self._publishing: dict[str, wire.Publishing] = {}
        self._open = True
        self._way = 0

    def reach(self, kind: str, label: str = "") -> None:
        """Come to a point.

        Args:
            kind: See `model.record.Point`.
            label: See there.

        Raises:
            BaseException: What a ``raise`` order names.
        """
        # A thread that outlived its task works for no execution any more.
        if self._open:
            self.strike(self._note(kind, label))

    def answered(self) -> None:
        """Note that the database has answered: whatever keeps the execution from now on is not a lock there."""
        if self._open:
            attempt = self._attempt
            self._journal.write(
                wire.Answered(time.monotonic_ns(), attempt.task_id, attempt.retries, attempt.received_ns)
            )

    def _note(self, kind: str, label: str) -> Touch:
        touch = Touch(next(self._numbers), kind, label)
        self._way = way_on(self._way, touch.found)
        stack = user_stack(sys._getframe(1))
        attempt, journal = self._attempt, self._journal
        ref = journal.stack(stack) if stack else None
        key = attempt.task_id, attempt.retries, attempt.received_ns
        journal.write(wire.Touched(time.monotonic_ns(), *key, *touch, ref))
        return touch

    def strike(self, touch: Touch) -> None:
        """Carry out the faults that are due at a point.

        Raises:
            BaseException: What a ``raise`` order names.
        """
        for order in self._due(f"touch:{touch.number}"):
            self._faults.strike(order, self._attempt.victim, found=touch.found)

    def _due(self, at: str) -> list[FaultOrder]:
        """Return the orders for a point, by the way that the execution has come."""
        return [order for order in self._orders if order.at == at and order.way in (0, self._way)]

    def announce_end(self) -> list[FaultOrder]:
        """Come to the last point, and return which of the faults that are due there strike; see `Faults.announce`."""
        touch = self._note("finished", "")
        self._open = False
        victim = self._attempt.victim
        for order in self._due("acknowledgment"):
            if order.way:
                self._faults.has_come(order, victim)
        return [
            order
            for order in self._due(f"touch:{touch.number}")
            if self._faults.announce(order, victim, found=touch.found)
        ]

    def announce(self, record: wire.Publishing) -> None:
        """Keep what is about to be published until no fault can prevent that any more."""
        if self._open:
            self._publishing[record.id] = record
        else:
            self._journal.write(record)

    def publish(self, headers: dict[str, Any], routing_key: str) -> None:
        """Come to the point before a message is published.

        Args:
            headers: Of the message.
            routing_key: Where it goes.

        Raises:
            BaseException: What a ``raise`` order names.
        """
        announced = self._publishing.pop(headers.get("id", ""), None)
        task = headers.get("task")
        self.reach("publish", f"{task} to {stable(routing_key)}" if task else stable(routing_key))
        if announced is not None:
            self._journal.write(announced)
