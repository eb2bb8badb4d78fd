"""What workers and broker used while a test ran that asked for it: watched from outside, at moments.

What was not measured, or cannot be on this machine, is ``None`` or absent.
"""

from __future__ import annotations

from dataclasses import dataclass

WORKERS = "workers"
BROKER = "broker"
GAUGES = (WORKERS, BROKER)
"""What a test can ask for besides the instruments of its executions, by the same names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """What one process used over time, or all processes of one container together."""

    pid: int
    """As the test's machine numbers it; of a container its main process."""
    at_ns: tuple[int, ...]
    """When its memory was another than at the look before, ascending."""
    rss_bytes: tuple[int, ...]
    """Resident memory from then on. Of a container what its control group is charged with: what its processes share is
    counted once."""
    cpu: tuple[tuple[int, int], ...] = ()
    """(when, CPU time in nanoseconds since the process began), the first and the last; by ``proc`` and ``cgroup`` that
    of its children that have ended is part of it."""
    uss: tuple[tuple[int, int], ...] = ()
    """(when, bytes), the first and the last: the memory that would be free if it ended. Of containers nobody knows."""
    peak_bytes: int | None = None
    """The most resident memory since the test began, by the kernel's own mark, which misses nothing once the process
    was found: new ones are looked for every half second, or second where no memory moves, and it is read as often."""
    gone_ns: int | None = None
    """When it was found to have ended; None if it was there to the last."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerSamples:
    """One start of one worker with all its processes, and those that its tasks have started."""

    boot: str
    source: str
    """Who has told: ``proc``, ``psutil`` or ``cgroup``."""
    series: tuple[Series, ...]
    """In the order in which the processes were found; the main process comes first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageSizes:
    """The messages that the test process itself put into one queue."""

    queue: str
    messages: int
    bytes: int
    """As they lie in the queue: headers, properties and encoded body."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokerUse:
    """What a test did to its Redis."""

    memory_before_bytes: int
    memory_after_bytes: int
    """Of the whole server, so that other tests beside this one have their part in it."""
    lasting_keys: tuple[str, ...]
    """Keys that are there since the test and have no TTL; kombu's own, for bindings and queues, are left out."""
    keys: int
    """How many keys are there since the test, those with a TTL included."""
    sizes: tuple[MessageSizes, ...] = ()
