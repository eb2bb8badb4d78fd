"""Faults: which ones a test can order, by the names that people write, and what is recorded of one."""

from __future__ import annotations

import signal
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from pytest_celery_perf.probe.orders import AWAITED

SUPERVISOR_GRACE_S = 30.0
"""How long a supervisor waits for a worker that it has told to end, before it kills it.

Source:
    Kubernetes, ``terminationGracePeriodSeconds``.
"""


class Need(StrEnum):
    """What a fault needs of the workers that it is to hit."""

    NOTHING = ""
    CHILDREN = "children"
    """A pool of child processes."""
    HARD_LIMITS = "hard limits"
    """A pool that ends what has run for longer than its hard time limit."""
    MEMORY = "memory"
    """A container with a limit of its memory."""
    RECYCLING = "recycling"
    """Children that are recycled when they have used too much memory."""
    SOFT_SHUTDOWN = "soft shutdown"
    """A timeout of the soft shutdown."""
    OWN_BROKER = "own broker"
    """A broker that is ours to hurt."""
    NETWORK = "network"
    """A network between worker and broker on which faults can be played."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FaultKind:
    """A kind of fault as people name it, and how it is recorded."""

    record: str
    """The kind of `Fault` that tells that it was carried out."""
    awaited: bool = False
    """Whether only the test process can carry it out, so that the task waits for it."""
    lasts: bool = False
    """Whether it goes on until it is undone."""
    signal: int = int(signal.SIGKILL)
    need: Need = Need.NOTHING
    soft: bool = False
    """Of time limits: whether it is the soft one."""


FAULT_KINDS: Mapping[str, FaultKind] = MappingProxyType(
    {
        "kill_child": FaultKind(record="kill-child", need=Need.CHILDREN),
        "kill_worker": FaultKind(record="kill-worker"),
        "terminate": FaultKind(record="stop-worker", signal=int(signal.SIGTERM)),
        "quit": FaultKind(record="stop-worker", signal=int(signal.SIGQUIT)),
        "soft_shutdown": FaultKind(record="stop-worker", signal=int(signal.SIGQUIT), need=Need.SOFT_SHUTDOWN),
        "freeze": FaultKind(record="freeze-worker", awaited=True, lasts=True),
        "time_limit": FaultKind(record="time-limit", need=Need.HARD_LIMITS),
        "soft_time_limit": FaultKind(record="time-limit", need=Need.CHILDREN, soft=True),
        "recycle": FaultKind(record="recycle", need=Need.RECYCLING),
        "out_of_memory": FaultKind(record="exhaust-memory", need=Need.MEMORY),
        "kill_broker": FaultKind(record="kill-broker", awaited=True, lasts=True, need=Need.OWN_BROKER),
        "pause_broker": FaultKind(record="pause-broker", awaited=True, lasts=True, need=Need.OWN_BROKER),
        "drop_connections": FaultKind(record="drop-connections", awaited=True, need=Need.OWN_BROKER),
        **{
            # The network does not know for which task it is bad: what the task has recorded tells.
            kind: FaultKind(record=f"{AWAITED}{kind}", awaited=True, lasts=kind != "reset", need=Need.NETWORK)
            for kind in ("latency", "bandwidth", "slice", "black_hole", "cut", "half_open", "reset")
        },
    }
)
"""By name: that of the marker's ``kind=``, and of the method of ``celery_faults`` where there is one."""

HARMLESS = frozenset(
    {"raise", "hold", "again", "double", "delivered-again", "released", "diverged", "script", "deafen", "recycle"}
)
"""The kinds of faults that no worker dies of."""
DEADLY = frozenset({"kill-worker", "kill-child", "stop-worker", "exhaust-memory"})
"""The kinds of faults of which a worker ends that holds a task in its main process, or always."""
DISCONNECTING = frozenset({"kill-broker", "pause-broker", "drop-connections"})
"""The kinds of faults that break the workers' connections to the broker; besides those that begin with ``network-``."""
CONSEQUENCES = frozenset(
    {
        *("worker-died", "worker-ended", "worker-restarted", "thaw-worker", "process-gone", "survived"),
        *("broker-restarted", "broker-resumed", "restored", "vanished", "network-healed"),
        *("delivered-again", "released"),
    }
)
"""The kinds of `Fault` that nobody ordered: they follow from those that somebody did."""
DATA_LOST = "its data are lost"
"""The detail of a ``kill-broker`` after which the broker comes back empty."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """A fault that the probe or the runner really carried out."""

    kind: str
    """``worker-died`` (without an order), ``worker-ended`` (by an order), ``process-gone`` (seen at the end only),
    ``kill-child``, ``kill-worker``, ``kill-broker``, ``raise``, ``hold``, ``again`` or ``double`` (its message is to
    be delivered again: ``delivered-again``, ``released``), ``diverged`` (an execution took another way than the one
    for which a fault was ordered), ``stop-worker`` (by a signal less than SIGKILL), ``freeze-worker``,
    ``thaw-worker``, ``pause-broker``, ``broker-resumed``, ``drop-connections``, ``time-limit``, ``recycle``,
    ``exhaust-memory``, ``script`` (of several faults), ``await-…`` (a task waits for that fault),
    ``worker-restarted``, ``survived`` (a signal did not end its victim), ``restored``, ``vanished`` …"""
    at_ns: int
    point: str = ""
    """Where: ``started``, ``query:3`` …"""
    task_id: str | None = None
    pid: int | None = None
    boot: str | None = None
    detail: str = ""

    @property
    def harmless(self) -> bool:
        """Whether no process dies of it, and no message is touched."""
        return self.kind in HARMLESS or self.kind.startswith(AWAITED)

    @property
    def deadly(self) -> bool:
        """Whether the worker that it hits may end of it."""
        return self.kind in DEADLY

    @property
    def disconnects(self) -> bool:
        """Whether workers may lose their connection to the broker by it, which not every one survives."""
        return self.kind in DISCONNECTING or (self.kind.startswith("network-") and not self.consequence)

    @property
    def consequence(self) -> bool:
        """Whether it is not a fault, but what followed from one."""
        return self.kind in CONSEQUENCES
