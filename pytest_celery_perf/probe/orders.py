"""What a message's header says must go wrong: the only part of it that the test process and the workers share."""

from __future__ import annotations

import signal
import zlib
from dataclasses import dataclass, replace
from typing import Any

HEADER = "celery_perf"
"""The message header that belongs to this package. It is added to those of the app."""

AGAIN = ("again", "double")
"""The faults that are a second delivery."""
AWAITED = "await-"
"""What a fault begins with at which an execution waits for the test process to carry it out."""


_TUPLES = ("args", "nth")
"""The fields that a message can carry as lists only."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FaultOrder:
    """One fault, as a message header carries it."""

    key: str
    """Tells the faults of one test apart."""
    task: str | None
    """Name of the task that shall suffer it; None for any."""
    do: str
    """``kill-child``, ``kill-worker``, ``hold`` (until the runner opens the gate), ``outage`` (the same, while the
    runner kills the broker), ``again`` (the same, while the runner delivers the same message to another worker; at
    ``acknowledgment`` nobody waits, and that follows after the end), ``double`` (the same, as a message with an id of
    its own), ``await-…`` (the same, while the runner does what its name goes on with), ``stop-worker`` (by the signal),
    ``time-limit`` (of hard and soft seconds), ``deafen`` (to the soft limit), ``recycle``, ``exhaust-memory`` or
    ``raise``."""
    at: str
    """``received``, ``started``, ``body``, ``query:N`` or ``finished``; at a touch point
    (`model.record.Point`) ``touch:N``, ``acknowledgment``."""
    times: int = 1
    nth: tuple[int, ...] = ()
    """Instead: which of the executions that come there suffer it, the first being 1. What strikes the n-th is an order
    of its own, see `numbered`. Not at touch points."""
    each: bool = False
    """Whether ``times`` counts for each task apart, not for all of the test together."""
    signal: int = int(signal.SIGKILL)
    error: str = ""
    """``raise``: the exception's module and qualified name, joined by a colon."""
    args: tuple[Any, ...] = ()
    packed: str = ""
    """``raise``: instead, the exception itself, see `raising.packed`."""
    attempt: int | None = None
    """At a touch point: the attempt that shall suffer it, the first being 0; None for any."""
    expect: str = ""
    """At a touch point: its kind and label, joined by a space. If the execution touches something else there, it has
    taken another way: nothing strikes, and ``diverged`` is recorded in the fault's place. Empty: whatever it is."""
    way: int = 0
    """At a touch point: the way that the execution must have come, see `way_on`; at ``acknowledgment``, all of its own.
    0: whichever."""

    def numbered(self, number: int) -> FaultOrder:
        """Return the order that strikes the n-th execution: it says so in its key and its point."""
        return replace(self, key=f"{self.key}.{number}", at=f"{self.at} {number}", nth=())

    @property
    def strikes(self) -> tuple[FaultOrder, ...]:
        """Return the orders that strike: itself, or one for each of the executions that it numbers."""
        return tuple(map(self.numbered, self.nth)) or (self,)

    @property
    def query(self) -> int:
        """The number of the query at which it strikes; 0 if it is not about queries."""
        return int(self.at.partition(":")[2] or 0) if self.at.startswith("query:") else 0

    @property
    def touches(self) -> bool:
        """Whether it strikes at a touch point."""
        return self.at == "acknowledgment" or self.at.startswith("touch:")


def way_on(way: int, found: str) -> int:
    """Return by what an execution is known that has come some way, and now to another touch point.

    Args:
        way: What it was known by before; 0 at the beginning.
        found: The point's kind and label, joined by a space.
    """
    return zlib.crc32(f"{found}\n".encode(), way)


def asks_for_more(header: dict[str, Any]) -> bool:
    """Tell whether a message asks for more than to be recorded and measured: most do not."""
    return "faults" in header or "touch" in header or "notice" in header


def orders_for(header: dict[str, Any], name: str) -> tuple[FaultOrder, ...]:
    """Return the faults that a message's header holds for the task of that name."""
    faults = header.get("faults")
    if not faults:
        return ()
    spared = header.get("spared", ())
    orders = (FaultOrder(**{**fault, **{field: tuple(fault.get(field, ())) for field in _TUPLES}}) for fault in faults)
    # Where a limit has nothing to strike, nothing hangs until it does.
    return tuple(order for order in orders if order.task in (None, name) and order.key.partition("-")[0] not in spared)
