"""One run of a test in which a fault struck at one point, beside the run without."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from pytest_celery_perf.judge.subjects import Subject
from pytest_celery_perf.measure.counterparts import counterparts
from pytest_celery_perf.measure.lives import Life
from pytest_celery_perf.measure.outcomes import Classified, classify
from pytest_celery_perf.measure.rows import NO_LEEWAY, Leeway
from pytest_celery_perf.measure.state import with_names
from pytest_celery_perf.model.faults import Fault
from pytest_celery_perf.model.history import History
from pytest_celery_perf.model.record import Point
from pytest_celery_perf.model.spec import RerunBudget
from pytest_celery_perf.model.state import State
from pytest_celery_perf.model.sweep import Rerun, Target

EFFECTS = ("connect", "publish")
"""The kinds of points at which a task does something to others."""


def comparable(run: Rerun) -> State:
    """Return what the databases held after a run, with the names of tasks in the places of their ids."""
    ids = {each.task_id: f"<id of {each.name}>" for each in run.history.publications}
    return with_names(run.state, ids)


def effects(history: History, name: str) -> Iterator[Point]:
    """Yield what tasks of a name did to others; that one publishes itself again is none."""
    for point in history.points:
        if point.name == name and point.kind in EFFECTS and not point.label.startswith(f"{name} to "):
            yield point


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """A run in which a fault struck at one point, beside one in which nothing went wrong."""

    budget: RerunBudget
    target: Target
    reference: Rerun
    run: Rerun
    leeway: Leeway = NO_LEEWAY
    """What the databases may hold another of in each run."""
    root: Path | None = None
    """The folder that paths are shown relative to."""

    @property
    def point(self) -> Point:
        """Where."""
        return self.target.point

    @property
    def blows(self) -> list[Fault]:
        """The faults at that point, or that none struck since the task took another path."""
        return [each for each in self.run.history.faults if each.point == self.point.at and not each.consequence]

    @property
    def struck(self) -> bool:
        """Whether the fault struck."""
        return any(each.kind != "diverged" for each in self.blows)

    @property
    def own(self) -> Mapping[str, str]:
        """Which task of the run is which of the reference, by id; nothing for those that only the run has."""
        return counterparts(self.reference.history, self.run.history)

    def usual(self, life: Life) -> list[Classified]:
        """Return what becomes of a task where nothing goes wrong; of all of its name if only the run has it."""
        own = self.own.get(life.task_id)
        found = classify(self.reference.history)
        return [each for each in found if (each.life.name == life.name if own is None else each.life.task_id == own)]

    def subject(self, name: str) -> Subject:
        """Return the tasks of a name in the run."""
        found = tuple(each.life for each in classify(self.run.history) if each.life.name == name)
        return Subject(marker="", name=name, lives=found, history=self.run.history, root=self.root)
