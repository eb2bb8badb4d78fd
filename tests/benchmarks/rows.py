"""A row of the benchmarks' table, and the table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from pytest_celery_perf.report.table import Column, table


class Judged(StrEnum):
    """What the goal is about. Less is better, always."""

    RATIO = "ratio"
    DIFFERENCE = "difference"
    OURS = "ours"


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One piece of work: ours beside the reference, measured in the same run."""

    work: str
    ours: float
    reference: float | None = None
    """None where there is nothing to compare with."""
    unit: str
    """Of ``ours`` and ``reference``."""
    goal: float | None = None
    """None where the figure is told and not judged."""
    judged: Judged = Judged.RATIO

    @property
    def ratio(self) -> float | None:
        """How many times the reference ours is."""
        return None if not self.reference else self.ours / self.reference

    @property
    def figure(self) -> float:
        """What is held against the goal."""
        match self.judged, self.ratio:
            case Judged.OURS, _:
                return self.ours
            case Judged.RATIO, float(ratio):
                return ratio
        if self.reference is None:
            raise ValueError(f"{self.work}: its {self.judged} needs a reference")
        return self.ours - self.reference

    @property
    def met(self) -> bool:
        """Whether the goal is reached, if there is one."""
        return self.goal is None or self.figure <= self.goal


def show(rows: Sequence[Row], width: int) -> str:
    """Return the table.

    Args:
        rows: At least one.
        width: Columns of the terminal.
    """
    columns = [Column(title=title) for title in ("ours", "reference", "ratio", "goal", "met")]
    return "\n".join(table("work", columns, [(row.work, _cells(row)) for row in rows], width))


def _cells(row: Row) -> tuple[str, ...]:
    return (
        _figure(row.ours, row.unit),
        "–" if row.reference is None else _figure(row.reference, row.unit),
        "–" if row.ratio is None else f"{row.ratio:.3g}×",
        _goal(row),
        "" if row.goal is None else "✓" if row.met else f"✗ {row.figure:.3g}",
    )


def _goal(row: Row) -> str:
    if row.goal is None:
        return "–"
    if row.judged is Judged.RATIO:
        return f"≤ {row.goal:g}×"
    return f"≤ {'+' if row.judged is Judged.DIFFERENCE else ''}{_figure(row.goal, row.unit)}"


def _figure(value: float, unit: str) -> str:
    return f"{value:.3g} {unit}" if value < 1000 else f"{value:.0f} {unit}"
