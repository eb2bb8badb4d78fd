"""A table of aligned columns that folds where the terminal is too narrow for it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

_GAP = "  "


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """The heading of one column of figures."""

    title: str
    group: str = ""
    """Neighbours of the same group share a heading above their titles."""


def table(subject: str, columns: Sequence[Column], rows: Sequence[tuple[str, Sequence[str]]], width: int) -> list[str]:
    """Align rows of figures below their headings.

    Args:
        subject: The heading of the rows' names.
        columns: The headings of the figures.
        rows: Each a name and one text per column.
        width: Columns of the terminal. Where a line would not fit, every name stands on
            a line of its own with its figures below it; no text is ever cut.

    Returns:
        The lines, those of the heading first.
    """
    sizes = _sizes(columns, rows)
    figures = [_line(cells, sizes) for _, cells in rows]
    heading = [*_groups(columns, sizes), _line([column.title for column in columns], sizes)]
    names = max(len(name) for name in [subject, *(name for name, _ in rows)])
    if names + len(_GAP) + len(heading[-1]) <= width:
        above = [" " * names + _GAP + line for line in heading[:-1]]
        pairs = [(subject, heading[-1]), *zip((name for name, _ in rows), figures, strict=True)]
        return above + [f"{name:<{names}}{_GAP}{line}" for name, line in pairs]
    folded = [line for (name, _), cells in zip(rows, figures, strict=True) for line in (name, _GAP + cells)]
    return [*(_GAP + line for line in heading), *folded]


def _sizes(columns: Sequence[Column], rows: Sequence[tuple[str, Sequence[str]]]) -> list[int]:
    """How wide each column is; a group's last one makes room for a long heading."""
    sizes = [max(len(column.title), *(len(cells[i]) for _, cells in rows)) for i, column in enumerate(columns)]
    for group, first, last in _spans(columns):
        room = sum(sizes[first : last + 1]) + len(_GAP) * (last - first)
        sizes[last] += max(0, len(group) - room)
    return sizes


def _line(cells: Sequence[str], sizes: Sequence[int]) -> str:
    return _GAP.join(f"{cell:>{size}}" for cell, size in zip(cells, sizes, strict=True))


def _groups(columns: Sequence[Column], sizes: Sequence[int]) -> list[str]:
    """The line of group headings, if there is a group."""
    spans = [(group, sum(sizes[a : z + 1]) + len(_GAP) * (z - a)) for group, a, z in _spans(columns)]
    line = _GAP.join(group.center(size) for group, size in spans).rstrip()
    return [line] if line else []


def _spans(columns: Sequence[Column]) -> list[tuple[str, int, int]]:
    """Each group with the numbers of its first and its last column."""
    spans = []
    for group, members in groupby(range(len(columns)), key=lambda i: columns[i].group):
        numbers = list(members)
        spans.append((group, numbers[0], numbers[-1]))
    return spans
