"""What the runs of one test were like, each with another fault, and what was found at each point."""

from __future__ import annotations

from dataclasses import dataclass, field

from pytest_celery_perf.model.history import History
from pytest_celery_perf.model.record import Point
from pytest_celery_perf.model.state import State
from pytest_celery_perf.model.verdict import Status


@dataclass(frozen=True, slots=True, kw_only=True)
class Rerun:
    """One run of a test: what its tasks did, and what they left behind."""

    history: History = field(default_factory=History)
    state: State = field(default_factory=State)
    complaint: str = ""
    """Why the test failed of itself: an assertion of its body or of its fixtures, the invariant."""
    unfinished: bool = False
    """Whether it waited in vain for its tasks."""
    duration_s: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A point at which a fault is to strike."""

    id: str
    """By which it can be tried alone: ``charge:3``; ``charge#2:3`` on the second way that tasks of the name go."""
    point: Point
    way: int = 0
    """Where tasks of the name go several ways: the one that comes here, see `FaultOrder.way`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PointResult:
    """What became of the test when a fault struck at one point."""

    target: Target
    status: Status
    """INCONCLUSIVE if nothing struck: the task took another path."""
    outcome: str
    """What became of the task, in a few words."""
    findings: tuple[str, ...] = ()
    """What is wrong, a line each."""
    fix: tuple[str, ...] = ()
    """What the reader should change, a sentence a line."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sweep:
    """What one marker found out about one test."""

    marker: str
    task: str
    fault: str
    """What happens at each point, such as ``SIGKILL of the child``."""
    results: tuple[PointResult, ...] = ()
    """In the order of the points."""
    left_out: tuple[tuple[str, tuple[str, ...]], ...] = ()
    """(reason, ids) of the points which were not tried."""
    unsteady: tuple[str, ...] = ()
    """What is another in each run, and was not compared."""
    vague: tuple[str, ...] = ()
    """What is another in each run, and of which only whether it is NULL was compared."""
    uncompared: tuple[tuple[str, str], ...] = ()
    """(table, why) of what tasks wrote and nobody compared."""
    doubt: str = ""
    """Why it proves nothing that the points were survived."""
    notes: tuple[str, ...] = ()
    """What else a reader must know, a sentence a line."""
    problem: str = ""
    """Why nothing could be tried."""
    advice: tuple[str, ...] = ()
    """What to do about that, or about the doubt, a sentence a line."""
