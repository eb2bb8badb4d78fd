"""How a load is laid on: the plan of a loop, how its messages were made, and how far it has come."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple


class Arrivals(StrEnum):
    """When the tasks of an open loop are published."""

    CONSTANT = "constant"
    """At equal distances."""
    POISSON = "poisson"
    """Independently of each other, as the requests of many users come."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenLoop:
    """Tasks are published by a schedule, whatever has become of those before."""

    rate_per_s: tuple[float, float]
    """Tasks per second at its beginning and at its end; in between it changes evenly."""
    duration_s: float
    """How long the rate takes to change, and without a count how long the loop lasts."""
    count: int | None = None
    """How many tasks; None: as many as are due in its time."""
    arrivals: Arrivals = Arrivals.POISSON
    seed: int = 0
    """Of the random arrivals: with the same one, they are the same."""
    publishers: int = 1
    """How many processes publish."""

    @property
    def mean_rate_per_s(self) -> float:
        """Tasks per second, over all of it."""
        return sum(self.rate_per_s) / 2


@dataclass(frozen=True, slots=True, kw_only=True)
class ClosedLoop:
    """The next task is published when one of those before has ended."""

    in_flight: tuple[int, int] | None = None
    """How many tasks are under way at its beginning and at its end; None: all at once."""
    count: int | None = None
    duration_s: float | None = None
    """Either is given: how many tasks, or for how long new ones are published."""


class Way(StrEnum):
    """How the messages of a load came into the broker."""

    COPIES = "copies"
    """Two were published by the app, the others are copies of them with ids, arguments and times of their own."""
    BATCHES = "batches"
    """Each was published by the app, and sent together with others (kombu's ``producer.batch``)."""
    SINGLY = "singly"
    """Each was published by the app, and sent by itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """How the messages of one kind were published."""

    task: str
    way: Way
    reason: str = ""
    """Why they were not copied."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadFigures:
    """What the report tells of a load. A figure that has too few samples, or that there is not, is None."""

    tasks: int
    done: int
    """Those that have ended, however."""
    failed: int
    """Those among them that did not succeed."""
    published: tuple[Published, ...]
    """How the tasks of each kind were published."""
    intended_rate: float | None
    """Tasks per second by the schedule; None of a closed loop, which has none."""
    actual_rate: float | None
    """Tasks published per second."""
    throughput: float | None
    """Tasks done per second."""
    p50_s: float | None
    """Of the latencies; in an open loop from when each task was meant to be published."""
    p95_s: float | None
    p99_s: float | None
    max_s: float | None
    lag_s: float | None
    """How much later than meant a task was published at most."""
    drain_s: float | None
    """From the last publication to the last end."""
    stall_s: float | None
    """The longest time in which no task ended though at least one was due."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One rate that was tried."""

    rate_per_s: float
    p95_s: float | None
    """Of the latencies from the time at which each task was meant to be published; None if tasks did not finish."""
    late: float
    """Which part of the tasks took longer than the budget, failed, or was overdue when the attempt was given up."""
    throughput: float | None
    """Tasks done per second."""
    held: bool
    """Whether the 95th percentile kept its budget."""
    failed: int = 0
    """How many of its tasks ended without having succeeded."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CapacityFigures:
    """What the report tells of a search for the rate that a topology bears."""

    budget_s: float
    """That of the 95th percentile."""
    workers: int
    """How many workers there were."""
    rate: float | None
    """The highest rate that held the budget, in tasks per second; None if the lowest that was tried did not."""
    breaks_at: float | None
    """The lowest rate that broke it; None if the highest that was tried held it."""
    steps: tuple[Step, ...]
    """In the order in which they were tried."""


class Pace(NamedTuple):
    """What a live line tells of a load besides counts; what is not known yet is None."""

    rate_per_s: float | None
    """Tasks that have ended, per second, since the beginning."""
    p95_s: float | None
    """Of the latencies by now."""
    eta_s: float | None
    """Seconds until the last task will have ended, if all goes on like this."""
