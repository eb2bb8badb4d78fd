"""What is known about one test when it is over: what the reports are made of."""

from __future__ import annotations

from dataclasses import dataclass, field

from pytest_celery_perf.model.frame import Frame
from pytest_celery_perf.model.history import History
from pytest_celery_perf.model.journal import JournalEntry
from pytest_celery_perf.model.load import CapacityFigures, LoadFigures
from pytest_celery_perf.model.summary import ScopeFigure, TaskRow
from pytest_celery_perf.model.sweep import Sweep
from pytest_celery_perf.model.verdict import Verdict

OUTCOMES = ("passed", "failed", "skipped", "rerun")


@dataclass(frozen=True, slots=True, kw_only=True)
class TestResult:
    """One test, judged."""

    __test__ = False  # pytest must not collect it

    nodeid: str
    outcome: str
    """As pytest says it: ``passed``, ``failed`` or ``skipped``; ``failed`` too if its set-up or its teardown did, and
    ``rerun`` if it failed and a plugin had it run again."""
    message: str = ""
    """The first line of what it failed with."""
    place: Frame | None = None
    """Where it is."""
    verdicts: tuple[Verdict, ...] = ()
    rows: tuple[TaskRow, ...] = ()
    """A row per task name."""
    figures: tuple[ScopeFigure, ...] = ()
    """Of workers, queues and all together, if the test has asked for these."""
    sweeps: tuple[Sweep, ...] = ()
    """One for each marker for whose sake it ran several times."""
    loads: tuple[LoadFigures, ...] = ()
    """In the order in which they were laid."""
    capacities: tuple[CapacityFigures, ...] = ()
    """Likewise."""
    history: History = field(default_factory=History)
    properties: tuple[tuple[str, str], ...] = ()
    """(name, value) of what the test itself recorded, by pytest's ``record_property``."""
    journal: tuple[JournalEntry, ...] = ()
    """The history in the order of time, of a test in which something went wrong, was made to, or was feared."""
