"""What a test asks for: topology and budgets, read from its markers, checked at collection."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from pytest_celery_perf.probe.orders import FaultOrder

if TYPE_CHECKING:
    from pytest_celery_perf.model.gate import RegressionBudget


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
    bridge: bool = False
    """Container runtime: whether it has a network of its own, which can be taken from it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """What one judging marker demands; subclasses say of what."""

    task: str | None = None
    """The name of the task that is judged; None: every task the test published."""
    instruments: ClassVar[tuple[str, ...]] = ()
    """What executions must be measured with for its sake: names of `probe.instruments`."""
    alone: ClassVar[bool] = False
    """Whether another test beside it would disturb its figures."""
    played: ClassVar[bool] = False
    """Whether its test has a fault, or shortened countdowns."""


def instruments_of(budgets: Iterable[Budget], others: Iterable[str] = ()) -> tuple[str, ...]:
    """Return what the executions of a test must be measured with.

    Args:
        budgets: What its markers demand.
        others: What else is asked for.
    """
    return tuple(sorted({*others, *(name for budget in budgets for name in budget.instruments)}))


@dataclass(frozen=True, slots=True, kw_only=True)
class QueriesBudget(Budget):
    """``celery_queries``."""

    max: int | None = None
    exact: int | None = None
    using: tuple[tuple[str, int], ...] = ()
    """(alias, maximum) pairs."""
    unheard_of: tuple[str, ...] = ()
    """Of these aliases, those that nobody knew at collection: an engine that only workers make, or a misspelt name."""
    no_n_plus_one: bool = False
    verbs: tuple[tuple[str, int], ...] = ()
    """(verb such as ``SELECT``, maximum) pairs."""
    slowest_s: float | None = None
    """How long one query may take."""
    connects: int | None = None
    """How many connections to databases an execution may open, its hooks included."""
    warmup: int = 0
    """How many executions of the task in each process are left out first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PercentileBudget(Budget):
    """Of durations of one kind."""

    p50_s: float | None = None
    p95_s: float | None = None
    p99_s: float | None = None
    max_s: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LatencyBudget(PercentileBudget):
    """``celery_latency``."""

    alone = True
    phase: str = "runtime"
    """``runtime``, ``queue``, ``prefetch`` or ``end_to_end``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RetriesBudget(Budget):
    """``celery_retries``."""

    played = True
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

    played = True
    kill: str = "worker"
    """``child``, ``worker`` or ``broker``."""
    signal: int = 9
    at: str = "started"
    """``received``, ``started``, ``query:N`` or ``finished``."""
    times: int = 1
    max_executions: int = 2
    within_s: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReliableBudget(Budget):
    """``celery_reliable``."""

    played = True
    max_executions: int = 1
    overlap: bool = False
    within_s: float | None = None
    workers_alive: bool = True
    declared_failures: tuple[str, ...] = ()
    """Names of exceptions, with or without their module, that tasks may end with."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DrillBudget(ReliableBudget):
    """``celery_drill``."""

    drill: str
    """One of `model.drills.DRILLS`."""
    grace_s: float = 30.0
    """``deploy``: how long a worker may take to end after SIGTERM, before it is killed."""
    outage_s: float = 1.0
    """``broker_restart``, ``network_partition``: how long the broker is away."""
    keep_data: bool = True
    """``broker_restart``: whether it comes back with its data."""
    at: str = "started"
    """``worker_oom``, ``poison_pill``: the point of the task at which its process is killed."""
    reset: bool = True
    """``network_partition``: whether the connections are gone when it is over."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RoutingBudget(Budget):
    """``celery_routing``."""

    queue: str | None = None
    priority: int | None = None
    order: tuple[str, ...] = ()
    """Task names in the order in which they must start when all wait in a backlog."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RerunBudget(Budget):
    """A marker for whose sake the test runs again, each time with another fault; subclasses say with which."""

    marker: ClassVar[str] = ""
    """Its name."""
    invariant: Callable[..., object] | None = None
    """Called after each run, with the test's fixtures that it names; it raises, or returns False, if it is broken."""
    volatile: tuple[str, ...] = ()
    """What may be another in each run, besides what the plugin finds out: tables, ``table.column``, or parts of
    documents such as ``table.column.key[].key``."""
    outbound: int | None = None
    """The most connections that one task may open in a run, however often it begins; None: not judged."""
    max_executions: int = 2
    """How often a task may begin that begins once where nothing goes wrong; one that begins twice may once more."""
    points: tuple[str, ...] = ()
    """The kinds of touch points that are of interest; empty: all."""
    sample: int | None = None
    """How many points are tried, chosen by chance; None: all."""
    seed: int = 0
    budget_s: float | None = None
    """After how many seconds no further point is begun; None: never."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CrashSweepBudget(RerunBudget):
    """``celery_crash_sweep``."""

    marker = "celery_crash_sweep"
    kill: str = "child"
    """``child`` or ``worker``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FaultSweepBudget(RerunBudget):
    """``celery_fault_sweep``."""

    marker = "celery_fault_sweep"
    errors: tuple[tuple[str, str, str], ...] = ()
    """What is raised at the points of a kind, where that is not the library's own: (kind, the exception's module and
    qualified name joined by a colon, the exception itself if one was given, see `raising.packed`)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class IdempotentBudget(RerunBudget):
    """``celery_idempotent``."""

    marker = "celery_idempotent"
    at_once: bool = True
    """Whether the message is also delivered again while its first delivery is under way."""
    ids: str = "same"
    """Whether the second message has the ``same`` id, as one that is delivered again, or a ``new`` one, as if its
    publisher had published it twice."""
    refusals: tuple[str, ...] = ()
    """Names of exceptions, with or without their module, with which a delivery may leave the work to the other."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TestSpec:
    """Everything that the markers of one test say."""

    __test__ = False  # pytest must not collect it

    workers: tuple[WorkerSpec, ...]
    budgets: tuple[Budget, ...]
    isolated: bool = False
    """Whether it needs workers and a broker of its own, since it uses `celery_faults`."""
    reruns: tuple[RerunBudget, ...] = ()
    """The markers for whose sake the test runs several times."""
    faults: tuple[FaultOrder, ...] = ()
    """Of one of these runs: what its tasks must suffer."""
    measure: tuple[str, ...] = ()
    """What its tasks are measured with besides what the kinds of its budgets need."""
    sizes: tuple[int, ...] = ()
    """The sizes of the data for each of which it runs once; empty: it has none."""
    size: int | None = None
    """Of one of these runs: that size."""
    closed: tuple[str, ...] = ()
    """Aliases of the databases that it does not ask for, and its tasks must not use."""
    timeout_s: float | None = None
    """Of one of the runs of a test: how long it may wait for its tasks; None: as long as any test."""
    regression: RegressionBudget | None = None
    """How it is compared with another version, if its marker says so."""

    @property
    def several(self) -> bool:
        """Whether the test runs more than once."""
        return bool(self.reruns or self.sizes)

    @property
    def undisturbed(self) -> bool:
        """Whether it runs its tasks once, with nothing made to go wrong, or faster than it would: as in production."""
        return not (self.several or self.isolated or any(budget.played for budget in self.budgets))
