"""What a test demands of the memory and the CPU time of its tasks."""

from __future__ import annotations

from dataclasses import dataclass

from pytest_celery_perf.model.samples import WORKERS
from pytest_celery_perf.model.spec import Budget, PercentileBudget


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryBudget(Budget):
    """``celery_memory``."""

    instruments = ("memory",)
    peak_bytes: int | None = None
    """The most that the process of an execution may hold at any time in it."""
    added_bytes: int | None = None
    """The most that it may hold at any time beyond what it held before."""
    warmup: int = 0
    """How many executions of the task in each process are left out first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GrowthBudget(Budget):
    """``celery_memory`` with ``growth=``."""

    instruments = ("memory", WORKERS)
    max_bytes: int
    """By how much a process may grow in 1,000 executions."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CpuBudget(PercentileBudget):
    """``celery_cpu``."""

    instruments = ("cpu", "thread")
    share: float | None = None
    """The most of the runtime, of all executions together, but for waits for a core, for which the CPU may work."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CallsBudget(Budget):
    """``celery_cpu`` with ``calls=``."""

    instruments = ("calls",)
    max: int
    """The most Python functions that an execution may call."""
    warmup: int = 0
    """How many executions of the task in each process are left out first."""
