"""What the markers of rates demand: how fast tasks are worked off, and that some do not keep others waiting."""

from __future__ import annotations

from dataclasses import dataclass

from pytest_celery_perf.model.spec import Budget


@dataclass(frozen=True, slots=True, kw_only=True)
class ThroughputBudget(Budget):
    """``celery_throughput``."""

    alone = True
    min_per_s: float | None = None
    """Tasks that succeed in a second, from the first publication to the last end."""
    drain_s: float | None = None
    """How long they may be worked on once the last one was published."""
    concurrency: int | None = None
    """How many must be run at a time, at the least, when they are the most."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ShareBudget(Budget):
    """``celery_share``."""

    alone = True
    within_s: float
    """How soon after it was published a task must have succeeded."""
    min_share: float
    """Of all tasks, from 0 to 1."""


@dataclass(frozen=True, slots=True, kw_only=True)
class IsolationBudget(Budget):
    """``celery_isolation``; ``task`` is None."""

    alone = True
    flood: str
    """The task, or the queue, of which there is a backlog."""
    victim: str
    """The task, or the queue, that must not suffer from it."""
    behind: int | None = 0
    """Behind how many tasks of the flood one of the victims may have to wait; None: not judged."""
    wait_s: float | None = None
    """The longest time in queue of a victim beside the backlog."""
    factor: float | None = None
    """How many times the median time in queue without the backlog that beside it may be."""
