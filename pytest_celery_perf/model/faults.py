"""The faults that a test can order, by the names that people write."""

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
    """The kind of `model.record.Fault` that tells that it was carried out."""
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
        "time_limit": FaultKind(record="time-limit", need=Need.CHILDREN),
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
