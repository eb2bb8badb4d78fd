"""Compares what the databases held after two runs of one test."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace

from pytest_celery_perf.measure.rows import Matching, Record, Records, References, general, match
from pytest_celery_perf.model.state import State

CELLS_SHOWN = 4
LONGEST_CELL = 40


def with_names(state: State, names: Mapping[str, str]) -> State:
    """Replace texts which are another in each run, such as the ids of tasks, by names that are not.

    Args:
        state: What the databases held.
        names: The name that stands for each text.
    """

    def named(cell: str | None) -> str | None:
        for text, name in names.items():
            if cell is not None and text in cell:
                cell = cell.replace(text, name)
        return cell

    return State(
        tables=tuple(replace(table, rows=tuple(tuple(map(named, row)) for row in table.rows)) for table in state.tables)
    )


def unsteady(one: State, other: State) -> frozenset[str]:
    """Find out what is another in each run though nothing went wrong: times, random texts.

    Args:
        one: What the databases held after a run.
        other: The same after a second run of the same test.

    Returns:
        Columns as ``table.column``, and parts of documents as ``table.column.key[].key``. None of a table that has
        more rows once than the other time: nothing explains that.
    """
    first, second = _texts(one), _texts(other)
    tables = {table.name for table in one.tables if _size(one, table.name) == _size(other, table.name)}
    return frozenset(
        f"{table}.{path}"
        for table, path in first.keys() | second.keys()
        if table in tables and first.get((table, path)) != second.get((table, path))
    )


def _size(state: State, name: str) -> int:
    table = state.table(name)
    return 0 if table is None else len(table.rows)


def _texts(state: State) -> dict[tuple[str, str], Counter[str]]:
    """Return what is found where, by table and path."""
    found: dict[tuple[str, str], Counter[str]] = {}
    for record in Records.of(state).all:
        for path, text in record.cells:
            found.setdefault((record.table, general(path)), Counter())[text] += 1
    return found


def differences(expected: State, actual: State, ignored: Collection[str] = ()) -> tuple[str, ...]:
    """Tell in which rows two states differ, a line each; nothing if they do not.

    Keys that the database chose are not compared: rows are the same if they hold the same, and refer to the same.

    Args:
        expected: What the databases should hold.
        actual: What they hold.
        ignored: Tables, columns (``table.column``) and parts of documents that may differ.
    """
    left, right = Records.of(expected, ignored), Records.of(actual, ignored)
    matching = match(left, right)
    lines = Counter(f"{record.table}: a row is missing: {_shown(record)}" for record in matching.missing)
    lines.update(f"{record.table}: a row too many: {_shown(record)}" for record in matching.extra)
    for one, other in matching.pairs:
        changes = [*_changed_cells(one, other), *_changed_references(left.refers[one], right.refers[other], matching)]
        if changes:
            lines[f"{one.table}: {', '.join(changes)}"] += 1
    return tuple(line if times == 1 else f"{line} ({times} rows)" for line, times in sorted(lines.items()))


def _changed_cells(one: Record, other: Record) -> Iterator[str]:
    first, second = dict(one.cells), dict(other.cells)
    changed = [path for path in dict.fromkeys([*first, *second]) if first.get(path) != second.get(path)]
    for path in changed:
        # An empty document is told by what it lacks.
        if not any(other.startswith((f"{path}.", f"{path}[")) for other in changed):
            yield f"{path} is {_cell(second.get(path))} instead of {_cell(first.get(path))}"


def _changed_references(expected: References, actual: References, matching: Matching) -> Iterator[str]:
    theirs = dict(actual)
    for column, record in expected:
        if not matching.interchangeable(record, theirs[column]):
            yield f"{column} refers to {_target(theirs[column])} instead of {_target(record)}"


def _target(record: Record | None) -> str:
    return "nothing" if record is None else f"{record.table} ({_shown(record)})"


def _shown(record: Record) -> str:
    more = ", …" if len(record.cells) > CELLS_SHOWN else ""
    return ", ".join(f"{path}={_cell(text)}" for path, text in record.cells[:CELLS_SHOWN]) + more


def _cell(text: str | None) -> str:
    if text is None:
        return "absent"
    return text if len(text) <= LONGEST_CELL else f"{text[: LONGEST_CELL - 1]}…"
