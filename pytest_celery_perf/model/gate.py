"""What the gate exchanges: the samples of two arms, what they amount to, and what is decided of them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar

from pytest_celery_perf.model.metric import format_count, format_share
from pytest_celery_perf.model.record import TaskError
from pytest_celery_perf.model.spec import Budget
from pytest_celery_perf.model.units import format_duration_s, format_size
from pytest_celery_perf.model.verdict import Status


class GateMetric(StrEnum):
    """What two arms are compared by; of all, less is better."""

    RUNTIME = "runtime"
    """Of a task's own function, in seconds."""
    CPU = "cpu"
    """CPU time of a task's own function, in seconds."""
    MEMORY = "memory"
    """The most resident memory of its process during an execution, in bytes: of the first run on fresh workers."""
    DRAIN = "drain"
    """From the first publication to the end of the last task, in seconds; of a test with ten tasks or more."""
    QUEUE = "queue"
    """Time in queue, in seconds: only where a test asks for it."""
    END_TO_END = "end_to_end"
    """From publication to end, in seconds: only where a test asks for it."""


class GateCount(StrEnum):
    """What two arms are compared by besides, in the place of a `GateMetric`; of all, less is better."""

    UNSUCCESSFUL = "unsuccessful tasks"
    """The share of the tasks of one name that came to an end without having done their work."""
    EXECUTIONS = "executions per task"
    """Of the tasks of one name: with every retry it is one more."""
    FAILED_RUNS = "failed runs"
    """The share of a test's runs that failed, whatever its tasks did."""


COUNTS = frozenset(GateCount)


def format_figure(metric: str, figure: float) -> str:
    """Print a figure of a `GateMetric` with its unit, or of a `GateCount`."""
    if metric in COUNTS:
        return format_count(figure) if metric == GateCount.EXECUTIONS else format_share(figure)
    return (format_size if metric == GateMetric.MEMORY else format_duration_s)(figure)


class Standing(StrEnum):
    """What became of a task of a test from the base to the head."""

    COMPARED = "COMPARED"
    NEW = "NEW"
    """The base has no such test, or no such task."""
    REMOVED = "REMOVED"
    """The head has it no more."""
    RENAMED = "RENAMED"
    """The base has the same test by another name; the two were compared."""
    BROKEN = "BROKEN"
    """It fails in one arm, or ends otherwise than in the other, so there is nothing to compare; the reason says how."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RegressionBudget(Budget):
    """``celery_regression``."""

    marker: ClassVar[str] = "celery_regression"
    metrics: tuple[str, ...] = (GateMetric.RUNTIME, GateMetric.CPU, GateMetric.MEMORY, GateMetric.DRAIN)
    """Names of `GateMetric`; empty: the test is not compared."""
    tolerance: float = 0.05
    """FAIL means: more than by so much, as a share of the base."""
    noticeable: float = 0.20
    """PASS means: less than by so much."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ArmTest:
    """A test that an arm offers for comparison."""

    nodeid: str
    digest: str
    """Of the source of its function without its name, and of its parameters: equal in both arms, unless it changed."""
    budget: RegressionBudget
    source: str = ""
    """The digest of its function alone."""
    selected: bool = True
    """Whether the user has asked for it. Others help to tell which test of the base is which of the head."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskSample:
    """What one run of a test in one arm found of the executions of one task that ended alike."""

    task: str
    figures: dict[str, tuple[float, ...]]
    """By `GateMetric`: a figure of each execution, or of the run. What was not measured is absent."""
    end: str = "succeeded"
    """How they ended: an `Outcome`, or a `Fate` of tasks; for what is of all tasks together, all of theirs."""
    tasks: int = 1
    """How many tasks came to their end by it."""
    executions: int = 1
    """How many executions ended so, those that have no figure included."""
    cold: bool = False
    """Whether every execution was the first of the task in its process, where caches are empty."""
    error: TaskError | None = None
    """What the first of them raised."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """One metric of one task of one test in both arms, epoch by epoch: the quantiles, of equal length."""

    base: tuple[float, ...] = ()
    head: tuple[float, ...] = ()

    def and_epoch(self, base: float, head: float) -> Series:
        """Return it with the figures of one more epoch."""
        return Series(base=(*self.base, base), head=(*self.head, head))


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What the epochs so far prove."""

    status: Status
    """INCONCLUSIVE until one of the two is proved."""
    log_e_fail: float
    """Natural logarithm of the evidence that the head is worse by more than the tolerance."""
    log_e_pass: float
    """The same, that it is worse by less than what is noticeable."""
    effect: float | None
    """The median of head over base, less 1; None without an epoch."""
    detectable: float | None
    """The smallest effect beyond the tolerance that so many epochs of such a spread tell; None with less than two."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """The last word on one metric of one task of one test; on all of a test or task that was not compared."""

    test: str
    standing: Standing
    task: str = ""
    metric: str = ""
    base_test: str = ""
    """What it is called in the base, if not the same."""
    reason: str = ""
    """Why it was not compared, or why nothing could be decided."""
    note: str = ""
    """Which epochs were left out, and why; empty if none was."""
    changed: bool = False
    """Whether the test itself is another in the two arms."""
    tolerance: float = 0.05
    noticeable: float = 0.20
    threshold: float = 0.0
    """The evidence (an e-value, not its logarithm) that a FAIL took, with all comparisons of the run accounted for."""
    series: Series | None = None
    decision: Decision | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GateReport:
    """What a comparison of two arms found; part of the report file."""

    base: str
    """As the reader knows it: ``1a2b3c4 (merge base with origin/main)``."""
    head: str
    differences: dict[str, tuple[str, str]]
    """What differs in the arms' environments and settings: (base, head) by name."""
    notes: tuple[str, ...]
    """Sentences for the reader: the same environment was used for both, workers were pinned to core 1 …"""
    epochs: int
    duration_s: float
    comparisons: tuple[Comparison, ...]
