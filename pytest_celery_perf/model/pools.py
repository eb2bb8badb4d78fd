"""A task on several pools, side by side: what was measured, and what follows from it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from pytest_celery_perf.model.frame import Frame

POOLS = ("prefork", "threads", "gevent", "solo")


class Kind(StrEnum):
    """What a task does with its time."""

    COMPUTES = "CPU-bound"
    WAITS = "I/O-bound"
    MIXED = "mixed"


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolPlan:
    """A worker's pool and its size."""

    pool: str
    """One of `POOLS`."""
    concurrency: int

    @property
    def label(self) -> str:
        """As it is written on a command line: ``gevent:200``."""
        return self.pool if self.pool == "solo" else f"{self.pool}:{self.concurrency}"


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskProfile:
    """What a task does with its time where nothing else disturbs it."""

    task: str
    kind: Kind | None
    """None if nobody measured its CPU time."""
    cpu_share: float | None
    """CPU time over runtime, without the time in which no core was free."""
    runtime_s: float
    """Of its own function: the median."""
    executions: int
    source: str
    """Where it was measured: ``solo``, or a report."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolRun:
    """What a task did on one pool. What is not known is None."""

    plan: PoolPlan
    tasks: int = 0
    """How many were published."""
    succeeded: int = 0
    unfinished: int = 0
    """How many had not ended when the time was over."""
    throughput: float | None = None
    """Tasks per second that came to an end."""
    parallel: float | None = None
    """How many tasks were done at once: that many would have needed as long one after the other, undisturbed."""
    runtime_p50_s: float | None = None
    runtime_p95_s: float | None = None
    runtime_p99_s: float | None = None
    cpu_s: float | None = None
    """CPU time of one task's own function: the median, without those that were the first of their process."""
    worker_cpu_s: float | None = None
    """CPU time of the whole worker for one task, Celery's own work included: the mean."""
    cores: float | None = None
    """CPU time of the whole worker over the time of the run: 1 is a core that never rests."""
    memory_bytes: int | None = None
    """Of the whole worker: the main process, and what its children have of their own."""
    stuck_s: float | None = None
    """On gevent: for how long a task keeps the thread that all share without computing, altogether; the median."""
    stuck_at: Frame | None = None
    """The line of the user's code that does it."""
    unacknowledged: int = 0
    """How many tasks succeeded whose messages were not acknowledged: the broker will deliver them again."""
    errors: tuple[str, ...] = ()
    """What tasks failed with, the most frequent first."""
    logged: tuple[str, ...] = ()
    """What the worker logged as errors, the most frequent first."""
    lack: str = ""
    """Why nothing could be measured: the pool did not start."""

    @property
    def failed(self) -> int:
        """How many tasks ended, and did not succeed."""
        return self.tasks - self.succeeded - self.unfinished

    @property
    def memory_each_bytes(self) -> float | None:
        """Memory of the worker for each task that it runs at once."""
        slots = min(self.plan.concurrency, self.tasks)
        return None if self.memory_bytes is None or not slots else self.memory_bytes / slots


@dataclass(frozen=True, slots=True, kw_only=True)
class Advice:
    """Which pool suits a task."""

    plan: PoolPlan | None
    """Of a size that was tried, or that follows from it, as the reasons then say; None if it suits none of those."""
    reasons: tuple[str, ...] = ()
    obstacles: tuple[str, ...] = ()
    """What was found to be wrong with pools."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """A task on several pools."""

    profile: TaskProfile
    runs: tuple[PoolRun, ...]
    advice: Advice

    @property
    def kind(self) -> Kind | None:
        """What the task does with its time; compares equal to ``"I/O-bound"`` and so on."""
        return self.profile.kind

    def __getitem__(self, label: str) -> PoolRun:
        """The run on a pool: ``comparison["gevent:200"]``."""
        for run in self.runs:
            if run.plan.label == label:
                return run
        raise KeyError(f"{label}: the pools are {', '.join(run.plan.label for run in self.runs)}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Fit:
    """A pool that suits a task by what this does with its time."""

    pool: str
    """One of `POOLS`."""
    concurrency: int | None = None
    """How many slots keep the cores of this machine busy: computed, not tried; None if Celery's own work is unknown."""

    @property
    def label(self) -> str:
        """As on a command line: ``prefork:8``, or ``gevent`` alone."""
        sized = self.concurrency is not None and self.pool != "solo"
        return f"{self.pool}:{self.concurrency}" if sized else self.pool


@dataclass(frozen=True, slots=True, kw_only=True)
class Stock:
    """A task in the inventory of an app."""

    task: str
    profile: TaskProfile | None = None
    """None if it could not be run."""
    fit: Fit | None = None
    """The pool that suits such a task."""
    note: str = ""
    """Why it could not be run, or what is wrong with a pool that would suit it otherwise."""
