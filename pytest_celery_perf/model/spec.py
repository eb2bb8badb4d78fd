"""What a test asks for: topology and budgets, read from its markers, checked at collection."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerSpec:
    """One worker of a topology. Equal specs share a running worker."""

    name: str
    """The part of the node name before ``@``."""
    options: tuple[str, ...] = ()
    """Options of ``celery worker`` as on its command line, without the node name."""
    runtime: str = "process"
    """``process`` or ``container``."""
    start: str = "auto"
    """``auto`` (warm where it is sound), ``warm`` (an error where it is not) or ``cold``."""
    config: tuple[tuple[str, str], ...] = ()
    """Celery settings for this worker: (name, value as JSON)."""
    env: tuple[tuple[str, str], ...] = ()
    image: str | None = None
    """Container runtime: the image, or None for ``dockerfile``."""
    dockerfile: str | None = None
    """Container runtime: path of a Dockerfile, its folder being the build context."""
    cpus: float | None = None
    memory_bytes: int | None = None
    network: bool = False
    """Whether it reaches the broker by a network on which faults can be played."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """What one judging marker demands; subclasses say of what."""

    task: str | None = None
    """The name of the task that is judged; None: every task the test published."""


@dataclass(frozen=True, slots=True, kw_only=True)
class QueriesBudget(Budget):
    """``celery_queries``."""

    max: int | None = None
    exact: int | None = None
    using: tuple[tuple[str, int], ...] = ()
    """(alias, maximum) pairs."""
    no_n_plus_one: bool = False
    verbs: tuple[tuple[str, int], ...] = ()
    """(verb such as ``SELECT``, maximum) pairs."""
    warmup: int = 0
    """How many executions of the task in each process are left out first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LatencyBudget(Budget):
    """``celery_latency``."""

    phase: str = "runtime"
    """``runtime``, ``queue``, ``prefetch`` or ``end_to_end``."""
    p50_s: float | None = None
    p95_s: float | None = None
    p99_s: float | None = None
    max_s: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RetriesBudget(Budget):
    """``celery_retries``."""

    attempts: int | None = None
    backoff: str | None = None
    """``exponential``, ``fixed`` or None (not judged)."""
    countdowns_s: tuple[float, ...] | None = None
    max_countdown_s: float | None = None
    jitter: bool | None = None
    final: str | None = None
    """``succeeded`` or ``failed``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RecoveryBudget(Budget):
    """``celery_recovery``."""

    kill: str = "worker"
    """``child``, ``worker`` or ``broker``."""
    signal: int = 9
    at: str = "started"
    """``received``, ``started``, ``query:N`` or ``finished``."""
    times: int = 1
    max_executions: int = 2
    within_s: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RoutingBudget(Budget):
    """``celery_routing``."""

    queue: str | None = None
    priority: int | None = None
    order: tuple[str, ...] = ()
    """Task names in the order in which they must start when all wait in a backlog."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TestSpec:
    """Everything that the markers of one test say."""

    __test__ = False  # pytest must not collect it

    workers: tuple[WorkerSpec, ...]
    budgets: tuple[Budget, ...]
    isolated: bool = False
    """Whether it needs workers and a broker of its own, since it uses `celery_faults`."""
