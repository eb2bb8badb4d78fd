"""What ``celery_scaling`` demands: how a figure may grow with the size of the data."""

from __future__ import annotations

from dataclasses import dataclass

from pytest_celery_perf.model.spec import Budget


@dataclass(frozen=True, slots=True, kw_only=True)
class ScalingBudget(Budget):
    """``celery_scaling``."""

    sizes: tuple[int, ...]
    """Of the data, ascending: the test runs once for each."""
    metric: str = "queries"
    """Whose growth is judged: one of the registry's that an execution has."""
    max_slope: float | None = None
    """How much more of it one more unit of size may cost, in the metric's own unit; None: not judged."""
    max_order: float | None = None
    """The highest power of the size with which it may grow: 1 is linear; None: not judged."""
    unit: str = "row"
    """What the size counts, in the singular."""
