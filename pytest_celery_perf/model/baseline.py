"""What is kept of a test run, so that later runs can be compared with it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Self

from pytest_celery_perf.model.settings import Setting, masked

NOT_COMPARED = frozenset({"platform", "pytest"})
"""Of the environment, what the figures do not depend on: the kernel's build, and who runs the tests."""
FASTER_OR_SLOWER = ("broker", "measure", "start", "workers")
"""The settings that figures depend on."""

NEWEST = 20
"""So many stored runs are compared with: more would show hardly less, and tell of a longer past."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """How long this machine took for a piece of work that is always the same, right before the tests."""

    wall_s: float
    """The median of its repetitions."""
    cpu_s: float
    """The same, in CPU time."""
    spread: float
    """How much the medians of blocks of repetitions differ: their standard deviation, as a share."""
    repetitions: int


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class StoredFigure:
    """One metric of one task in one test: the median of its executions that ended alike, or a number of them."""

    test: str
    task: str
    metric: str
    """A name of `GateMetric`, or ``tasks``, ``succeeded``, ``executions``, ``retries`` or ``queries``."""
    end: str = ""
    """An `Outcome`: how the executions ended; empty for those that succeeded, and for what is counted."""
    value: float
    """In the metric's unit; not calibrated."""

    @property
    def key(self) -> tuple[str, str, str, str]:
        """What it is a figure of: a run has one of each."""
        return self.test, self.task, self.metric, self.end

    @property
    def name(self) -> str:
        """What a reader calls it: ``runtime``, ``runtime (retried)``."""
        return name_of(self.metric, self.end)


def name_of(metric: str, end: str) -> str:
    """Name a metric of the executions that ended in some way; nothing for those that succeeded."""
    return f"{metric} ({end})" if end else metric


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredRun:
    """A test run in which nothing failed."""

    created: str
    """When, in ISO 8601 with the offset."""
    commit: str
    """Of the code under test, with a ``+`` if there was more than that; empty outside of a repository."""
    environment: dict[str, str]
    """Versions, machine, and the settings that figures depend on, by name."""
    calibration: Calibration
    figures: tuple[StoredFigure, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One thing that two environments do not have in common."""

    name: str
    stored: str
    """Empty where it is absent."""
    here: str

    @property
    def told(self) -> str:
        """What it is, as a part of a sentence."""
        return f"{self.name} was {self.stored or 'absent'} and is {self.here or 'absent'}"


def differences(stored: Mapping[str, str], here: Mapping[str, str]) -> tuple[Difference, ...]:
    """Return what keeps figures of two environments from being compared.

    Args:
        stored: Of the one that is compared with.
        here: Of the other.

    Returns:
        In the order of the names; nothing if they can be compared.
    """
    return tuple(
        Difference(name=name, stored=stored.get(name, ""), here=here.get(name, ""))
        for name in sorted({*stored, *here} - NOT_COMPARED)
        if stored.get(name) != here.get(name)
    )


def circumstances(environment: Mapping[str, str], settings: Iterable[Setting]) -> dict[str, str]:
    """Return all that figures of a run depend on, by name.

    Args:
        environment: Versions and machine.
        settings: All of the run.
    """
    of_settings = {each.name: masked(each.value) for each in settings if each.name in FASTER_OR_SLOWER}
    return {**environment, **of_settings}


@dataclass(frozen=True, slots=True, kw_only=True)
class Standard:
    """What a run is compared with, and all that must be known of that run itself."""

    folder: str
    """Where the runs are stored, as the user named it."""
    now: StoredRun
    """This run, before its tests: without figures."""
    runs: tuple[StoredRun, ...] = ()
    """The newest of those that it can be compared with, oldest first."""
    others: int = 0
    """How many are of other environments."""
    obstacles: tuple[Difference, ...] = ()
    """What the newest of these has not in common with this one."""

    @classmethod
    def of(cls, folder: str, now: StoredRun, stored: Iterable[StoredRun]) -> Self:
        """Choose what a run is compared with.

        Args:
            folder: Where the runs are stored.
            now: The run.
            stored: All of them, oldest first.
        """
        found = [(each, differences(each.environment, now.environment)) for each in stored]
        others = [obstacles for _, obstacles in found if obstacles]
        return cls(
            folder=folder,
            now=now,
            runs=tuple(each for each, obstacles in found if not obstacles)[-NEWEST:],
            others=len(others),
            obstacles=others[-1] if others else (),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Prospect:
    """What stored runs can show where their figures differ by so much."""

    residual: float
    """The standard deviation of their figures, calibrated, as a share."""
    runs: int
    detectable: float
    """The smallest slowdown that they let one tell from chance, as a share."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """A machine, as `celery-perf calibrate` found it."""

    environment: dict[str, str]
    """As that of a stored run."""
    calibration: Calibration
    prospects: tuple[Prospect, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Trend:
    """One metric of one task in one test over stored runs of one environment, oldest first."""

    test: str
    task: str
    metric: str
    end: str = ""
    """As that of `StoredFigure`."""
    values: tuple[float, ...]
    """In its unit, times as they would have been on the machine as it was at the newest run; one or more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Chronicle:
    """What is stored of the environment of the newest run."""

    folder: str
    runs: tuple[StoredRun, ...]
    others: int
    """How many stored runs are of other environments."""
    trends: tuple[Trend, ...]
