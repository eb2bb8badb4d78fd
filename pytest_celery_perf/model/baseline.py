"""What is kept of a test run, so that later runs can be compared with it."""

from __future__ import annotations

from dataclasses import dataclass

NOT_COMPARED = frozenset({"platform", "pytest"})
"""Of the environment, what the figures do not depend on: the kernel's build, and who runs the tests."""
FASTER_OR_SLOWER = ("broker", "measure", "start", "workers")
"""The settings that figures depend on."""


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
    """One metric of one task in one test: the median of its executions, or their number."""

    test: str
    task: str
    metric: str
    """As `measure.registry` names it, or ``executions`` or ``retries``."""
    value: float
    """In the metric's unit; not calibrated."""


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
class Standard:
    """What a run is compared with, and all that must be known of that run itself."""

    folder: str
    """As the user named it."""
    now: StoredRun
    """This run, before its tests: without figures."""
    runs: tuple[StoredRun, ...]
    """Those that are stored, of all environments, oldest first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One thing that two environments do not have in common."""

    name: str
    stored: str
    """Empty where it is absent."""
    here: str


def differences(stored: dict[str, str], here: dict[str, str]) -> tuple[Difference, ...]:
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
