"""The drills: what each does to a test's workers, and what it demands of the tasks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True, slots=True, kw_only=True)
class Drill:
    """A ready-made emergency: faults that are played while the tasks of a test run, and what must hold after them."""

    emergency: str
    """What it rehearses, for people."""
    played: str
    """What is counted in its verdict: how often the emergency really happened."""
    faults: tuple[str, ...]
    """The kinds of `model.faults.Fault` that show that it did."""
    options: tuple[str, ...] = ()
    """The arguments of the marker that are its own."""
    max_executions: int = 2
    """How often an attempt of a task may begin, unless the marker says otherwise."""
    workers_alive: bool = True
    """Whether no worker may die that nobody has killed."""
    network: bool = False
    """Whether the workers must reach their broker by a network on which faults can be played."""
    own_broker: bool = False
    """Whether it needs a broker that is ours to kill."""
    shortens_etas: bool = False
    """Whether all delays that are requested of the workers are shortened, not only those of retries."""


DRILLS: Mapping[str, Drill] = MappingProxyType(
    {
        "deploy": Drill(
            emergency="a rolling restart under load: SIGTERM to each worker in turn, SIGKILL when its grace is over",
            played="workers restarted",
            faults=("stop-worker",),
            options=("grace",),
            max_executions=1,
        ),
        "broker_restart": Drill(
            emergency="the broker is killed while tasks run, and comes back",
            played="broker killed",
            faults=("kill-broker",),
            options=("outage", "keep_data"),
            workers_alive=False,
            own_broker=True,
        ),
        "network_partition": Drill(
            emergency="nothing passes between workers and broker while tasks run; then the connections are gone",
            played="partitions",
            faults=("network-black-hole",),
            options=("outage", "reset"),
            workers_alive=False,
            network=True,
        ),
        "worker_oom": Drill(
            emergency="a process that runs a task uses too much memory, and the kernel kills it",
            played="processes killed",
            faults=("kill-child", "exhaust-memory"),
            options=("at",),
        ),
        "poison_pill": Drill(
            emergency="a task kills each process that runs it",
            played="processes killed",
            faults=("kill-child",),
            options=("at",),
            max_executions=4,
            shortens_etas=True,
        ),
        "long_task": Drill(
            emergency="a task runs for longer than the visibility timeout, and Redis delivers it again meanwhile",
            played="delivered again",
            faults=("restored",),
            max_executions=1,
        ),
        "eta_beyond_visibility": Drill(
            emergency="a worker holds a task until an ETA beyond the visibility timeout, and Redis delivers it again",
            played="delivered again",
            faults=("restored",),
            max_executions=1,
            shortens_etas=True,
        ),
    }
)
"""By the names that people write."""
