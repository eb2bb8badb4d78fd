"""Finds out which row of one run is which row of another, where keys tell nothing."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Self

from pytest_celery_perf.model.state import Kind, State, Table

RADIUS = 4
"""How far the surroundings of a row are looked at: rows that refer to it or that it refers to are at distance 1."""
LIKENESS = 0.5
"""The least share of equal cells at which two rows are the same row, changed."""
MOST_COMPARED = 200
"""Rows of a table of which each is compared with each."""


PRESENT = "not NULL"
"""Stands for a value of which only that there is one is compared."""
_NOTHING = ("NULL", "null")
"""The texts of no value, in a column and in a document."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Leeway:
    """In what two states may differ: tables, columns (``table.column``), parts of documents (``table.column.key``)."""

    ignored: frozenset[str] = frozenset()
    """What is not compared."""
    vague: frozenset[str] = frozenset()
    """Of what only whether there is a value is compared."""

    def ignoring(self, names: Iterable[str]) -> Leeway:
        """Return the same without the comparison of some more."""
        return Leeway(ignored=self.ignored.union(names), vague=self.vague)


NO_LEEWAY = Leeway()


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Record:
    """One row. Two records are equal if they are the same object."""

    table: str
    cells: tuple[tuple[str, str], ...]
    """(path, text) of what is compared: neither keys nor what is ignored. A path is a column, or leads into a
    document: ``rows[3].id``."""


References = list[tuple[str, Record | None]]
"""The rows that a row refers to, by column; None where it refers to none."""


@dataclass(slots=True)
class Records:
    """The rows of a state, and which refers to which."""

    all: list[Record] = field(default_factory=list)
    refers: dict[Record, References] = field(default_factory=dict)
    referred: dict[Record, list[tuple[str, Record]]] = field(default_factory=lambda: defaultdict(list))

    @classmethod
    def of(cls, state: State, leeway: Leeway = NO_LEEWAY) -> Self:
        """Read a state.

        Args:
            state: What the databases held.
            leeway: In what it may differ from another.
        """
        records = cls()
        wanted = {(column.table, column.column) for table in state.tables for column in table.columns if column.table}
        keys: dict[tuple[str, str, str | None], Record] = {}
        kept = [table for table in state.tables if table.name not in leeway.ignored]
        read = [(table, row, _record(table, row, leeway)) for table in kept for row in table.rows]
        for table, row, record in read:
            records.all.append(record)
            for column, cell in zip(table.columns, row, strict=True):
                if (table.name, column.name) in wanted:
                    keys[table.name, column.name, cell] = record
        for table, row, record in read:
            records.refers[record] = [
                (column.name, keys.get((column.table, column.column, cell)))
                for column, cell in zip(table.columns, row, strict=True)
                if column.kind is Kind.REFERENCE and not _is_in(f"{table.name}.{column.name}", leeway.ignored)
            ]
            for name, target in records.refers[record]:
                if target is not None:
                    records.referred[target].append((name, record))
        return records


def _record(table: Table, row: tuple[str | None, ...], leeway: Leeway) -> Record:
    cells: list[tuple[str, str]] = []
    for column, cell in zip(table.columns, row, strict=True):
        if column.kind is Kind.JSON and cell is not None:
            cells += _leaves(json.loads(cell), column.name)
        elif column.kind in (Kind.VALUE, Kind.JSON):
            cells.append((column.name, "NULL" if cell is None else repr(cell)))
    compared = []
    for path, text in cells:
        name = f"{table.name}.{general(path)}"
        if not _is_in(name, leeway.ignored):
            compared.append((path, PRESENT if name in leeway.vague and not is_empty(text) else text))
    return Record(table=table.name, cells=tuple(compared))


def _leaves(value: Any, path: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict) and value:
        for key in sorted(value):
            yield from _leaves(value[key], f"{path}.{key}")
    elif isinstance(value, list) and value:
        for number, item in enumerate(value):
            yield from _leaves(item, f"{path}[{number}]")
    else:
        yield path, json.dumps(value)


def general(path: str) -> str:
    """Return a path into a document for all items of its lists: ``rows[].id`` for ``rows[3].id``."""
    parts = path.split("[")
    return "[".join([parts[0], *(part[part.find("]") :] for part in parts[1:])])


def _is_in(path: str, names: Collection[str]) -> bool:
    """Tell whether a part of a table is one of several, itself or as a part of another."""
    return path in names or any(path.startswith((f"{each}.", f"{each}[")) for each in names)


def is_empty(text: str) -> bool:
    """Tell whether the text of a cell stands for no value."""
    return text in _NOTHING


# -- which is which -------------------------------------------------------------------------------------


Colours = dict[Record, int]
"""A number for each row; equal numbers, equal surroundings."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Matching:
    """Which rows of two states are the same."""

    pairs: tuple[tuple[Record, Record], ...]
    missing: tuple[Record, ...]
    """Of the left, without a partner."""
    extra: tuple[Record, ...]
    """Of the right, without a partner."""
    partner: dict[Record, Record]
    """Of a row of the left, that of the right."""
    colours: tuple[Colours, Colours]
    """By the widest surroundings."""

    def interchangeable(self, one: Record | None, other: Record | None) -> bool:
        """Tell whether a row of the left and one of the right are the same, or nothing tells which are."""
        if one is None or other is None:
            return one is other
        return self.partner.get(one) is other or self.colours[0][one] == self.colours[1][other]


def match(left: Records, right: Records) -> Matching:
    """Find the rows that are the same in two states.

    Those are paired first whose wide surroundings are alike: what they hold, what the rows hold that they refer to or
    that refer to them, and so on. Then those which are alike in narrower ones, at last in themselves alone. Of what is
    left the most similar are one row that was changed. Rows that nothing tells apart are taken in their order.

    Source:
        Surroundings are refined as colours are in B. Weisfeiler and A. Leman, The reduction of a graph to canonical
        form (1968).
    """
    rounds = _colours(left, right)
    pairs: list[tuple[Record, Record]] = []
    lefts, rights = left.all, right.all
    for ours, theirs in rounds:
        waiting: dict[int, list[Record]] = defaultdict(list)
        for record in reversed(rights):
            waiting[theirs[record]].append(record)
        found = [(record, waiting[ours[record]].pop()) for record in lefts if waiting[ours[record]]]
        pairs += found
        lefts, rights = _unpaired(lefts, rights, found)
    changed = _similar(lefts, rights)
    lefts, rights = _unpaired(lefts, rights, changed)
    return Matching(
        pairs=(*pairs, *changed),
        missing=tuple(lefts),
        extra=tuple(rights),
        partner=dict([*pairs, *changed]),
        colours=rounds[0],
    )


def _unpaired(
    lefts: list[Record], rights: list[Record], pairs: list[tuple[Record, Record]]
) -> tuple[list[Record], list[Record]]:
    paired = {record for pair in pairs for record in pair}
    return [each for each in lefts if each not in paired], [each for each in rights if each not in paired]


def _colours(left: Records, right: Records) -> list[tuple[Colours, Colours]]:
    """Return the colours of the rows of two states, those of the widest surroundings first."""
    numbers: dict[Any, int] = {}

    def number(what: Any) -> int:
        return numbers.setdefault(what, len(numbers))

    def alone(records: Records) -> Colours:
        return {record: number((record.table, record.cells)) for record in records.all}

    def wider(records: Records, colours: Colours) -> Colours:
        return {record: number(_surroundings(record, records, colours)) for record in records.all}

    rounds = [(alone(left), alone(right))]
    for _ in range(RADIUS):
        ours, theirs = rounds[-1]
        rounds.append((wider(left, ours), wider(right, theirs)))
    return rounds[::-1]


def _surroundings(record: Record, records: Records, colours: Colours) -> Any:
    outwards = tuple((name, -1 if each is None else colours[each]) for name, each in records.refers[record])
    inwards = tuple(sorted((name, colours[each]) for name, each in records.referred.get(record, ())))
    return colours[record], outwards, inwards


def _similar(lefts: list[Record], rights: list[Record]) -> list[tuple[Record, Record]]:
    """Pair rows of which at least half is equal, the most similar first; the last two of a table if anything is."""
    tables: dict[str, tuple[list[Record], list[Record]]] = defaultdict(lambda: ([], []))
    for side, records in enumerate((lefts, rights)):
        for record in records:
            tables[record.table][side].append(record)
    pairs: list[tuple[Record, Record]] = []
    for ours, theirs in tables.values():
        candidates = sorted(
            ((_likeness(one, other), one, other) for one in ours[:MOST_COMPARED] for other in theirs[:MOST_COMPARED]),
            key=lambda candidate: -candidate[0],
        )
        taken: set[Record] = set()
        for likeness, one, other in candidates:
            if likeness >= LIKENESS and not taken & {one, other}:
                taken |= {one, other}
                pairs.append((one, other))
        left, right = ([each for each in records if each not in taken] for records in (ours, theirs))
        if len(left) == len(right) == 1 and _likeness(left[0], right[0]) > 0:
            pairs.append((left[0], right[0]))
    return pairs


def _likeness(one: Record, other: Record) -> float:
    first, second = {*one.cells}, {*other.cells}
    return len(first & second) / max(len(first), len(second), 1)
