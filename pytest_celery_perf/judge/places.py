"""What executions did, line of code by line of code."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from pytest_celery_perf.judge.subjects import Subject
from pytest_celery_perf.model.frame import Frame

SHOWN = 12
"""How many rows are shown before the rest is only counted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Deed:
    """What was done from one line, and how often."""

    times: int
    cells: tuple[str, ...]
    """What was done; rows that are shown together have as many."""
    where: Frame | None
    mark: str = ""
    """What is wrong with it."""


def summed(deeds: Iterable[Deed]) -> tuple[Deed, ...]:
    """Add up what several executions did alike: what is wrong comes first, then the most frequent."""
    times: dict[tuple[tuple[str, ...], Frame | None, str], int] = {}
    for deed in deeds:
        key = deed.cells, deed.where, deed.mark
        times[key] = times.get(key, 0) + deed.times
    every = [Deed(times=n, cells=cells, where=where, mark=mark) for (cells, where, mark), n in times.items()]
    return tuple(sorted(every, key=lambda deed: (not deed.mark, -deed.times)))


def table(deeds: Iterable[Deed], subject: Subject) -> Iterator[str]:
    """Show what was done, a line each: times, what, where, what is wrong."""
    rows = summed(deeds)
    shown, rest = rows[:SHOWN], rows[SHOWN:]
    counts = max((len(f"{row.times}×") for row in shown), default=0)
    widths = [max(map(len, column)) for column in zip(*(row.cells for row in shown), strict=True)]
    for row in shown:
        cells = "  ".join(f"{cell:<{width}}" for cell, width in zip(row.cells, widths, strict=True))
        line = f"  {f'{row.times}×':>{counts}}  {cells}  {site(row.where, subject)}".rstrip()
        yield line + (f"  ← {row.mark}" if row.mark else "")
    if rest:
        yield f"  … and {sum(row.times for row in rest)} more, of {len(rest)} other kinds"


def lines(deeds: Iterable[Deed]) -> tuple[Frame, ...]:
    """Return the lines that did it, what is wrong first."""
    return tuple(dict.fromkeys(row.where for row in summed(deeds) if row.where is not None))


def site(where: Frame | None, subject: Subject) -> str:
    """Print a place in the user's code with its function; empty if none is known."""
    return "" if where is None else f"{subject.place(where)} {where.function}"
