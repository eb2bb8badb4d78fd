"""Compares what the databases held after two runs of one test."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from pytest_celery_perf.measure.rows import (
    NO_LEEWAY,
    PRESENT,
    Leeway,
    Matching,
    Record,
    Records,
    References,
    general,
    is_empty,
    match,
)
from pytest_celery_perf.model.record import Point
from pytest_celery_perf.model.state import State

CELLS_SHOWN = 4
LONGEST_CELL = 40
ROWS = "*"
"""Among the columns that were changed: whole rows were made or deleted."""

_NAME = r"((?:[\w$]+|\"[^\"]+\")(?:\.(?:[\w$]+|\"[^\"]+\"))*)"
_CREATED = re.compile(rf"\bCREATE (?:\w+ )*?TABLE (?:IF NOT EXISTS )?{_NAME}", re.IGNORECASE)
_MOVED = re.compile(
    r"\b(?:(?:INSERT|REPLACE|MERGE)(?: OR \w+| IGNORE)? INTO|DELETE FROM(?: ONLY)?|TRUNCATE(?: TABLE)?) " + _NAME,
    re.IGNORECASE,
)
_UPDATED = re.compile(
    rf"(?<!\bFOR )(?<!\bKEY )\bUPDATE(?: ONLY| IGNORE| OR \w+)? (?!SET\b){_NAME}",
    re.IGNORECASE,
)
_ASSIGNED = re.compile(r"(?:^|, )(?:[\w$]+\.)?([\w$]+|\"[^\"]+\") = ")
_ALIAS = re.compile(r"(\S+): ")
_USUAL_SCHEMA = re.compile(r"\b(?:public|main)\.")


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


def unsteady(one: State, other: State) -> Leeway:
    """Find out what is another in each run though nothing went wrong: times, random texts.

    Args:
        one: What the databases held after a run.
        other: The same after a second run of the same test.

    Returns:
        Columns and parts of documents. Vague are those that had a value as often in both runs; not within lists, which
        may have another length in a third run. None of a table that has more rows once than the other time: nothing
        explains that.
    """
    first, second = _texts(one), _texts(other)
    tables = {table.name for table in one.tables if _size(one, table.name) == _size(other, table.name)}
    differing = [
        (table, path)
        for table, path in first.keys() | second.keys()
        if table in tables and first.get((table, path)) != second.get((table, path))
    ]
    vague = {key for key in differing if "[" not in key[1] and _filled(first, key) == _filled(second, key)}
    return Leeway(
        ignored=frozenset(f"{table}.{path}" for table, path in differing if (table, path) not in vague),
        vague=frozenset(f"{table}.{path}" for table, path in vague),
    )


def _filled(texts: Texts, key: tuple[str, str]) -> tuple[int, int]:
    """Return how often there is a value at a place, and how often none."""
    found = texts.get(key, Counter())
    empty = sum(times for text, times in found.items() if is_empty(text))
    return found.total() - empty, empty


def written(points: Iterable[Point]) -> dict[str, frozenset[str]]:
    """Find the tables that tasks wrote; none that they made first.

    Args:
        points: At which they touched the outside world.

    Returns:
        By their names in a state, in the order of writing, the columns that were changed; `ROWS` among them if rows
        came or went.
    """
    made: set[str] = set()
    found: dict[str, frozenset[str]] = {}
    for point in points:
        if point.kind == "query":
            made.update(_tables(_CREATED, point.label))
            for pattern, columns in ((_MOVED, {ROWS}), (_UPDATED, _changed_columns(point.label))):
                for name in _tables(pattern, point.label):
                    found[name] = found.get(name, frozenset()) | columns
    return {name: columns for name, columns in found.items() if name not in made}


def _changed_columns(statement: str) -> set[str]:
    """Return the columns that a statement sets."""
    _, _, assignments = statement.partition(" SET ")
    return {name.replace('"', "") for name in _ASSIGNED.findall(assignments.partition(" WHERE ")[0])}


def _tables(pattern: re.Pattern[str], label: str) -> list[str]:
    """Return the tables that a query names; its label begins with the alias of a database other than the default."""
    alias = _ALIAS.match(label)
    prefix = f"{alias.group(1)}:" if alias else ""
    return [prefix + _USUAL_SCHEMA.sub("", name).replace('"', "") for name in pattern.findall(label)]


def _size(state: State, name: str) -> int:
    table = state.table(name)
    return 0 if table is None else len(table.rows)


Texts = dict[tuple[str, str], Counter[str]]
"""What is found where, by table and path."""


def _texts(state: State) -> Texts:
    found: Texts = {}
    for record in Records.of(state).all:
        for path, text in record.cells:
            found.setdefault((record.table, general(path)), Counter())[text] += 1
    return found


def differences(expected: State, actual: State, leeway: Leeway = NO_LEEWAY) -> tuple[str, ...]:
    """Tell in which rows two states differ, a line each; nothing if they do not.

    Keys that the database chose are not compared: rows are the same if they hold the same, and refer to the same.

    Args:
        expected: What the databases should hold.
        actual: What they hold.
        leeway: In what they may differ.
    """
    left, right = Records.of(expected, leeway), Records.of(actual, leeway)
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
    cells = [(path, text) for path, text in record.cells if text != PRESENT] or record.cells
    more = ", …" if len(cells) > CELLS_SHOWN else ""
    return ", ".join(f"{path}={_cell(text)}" for path, text in cells[:CELLS_SHOWN]) + more


def _cell(text: str | None) -> str:
    if text is None:
        return "absent"
    return text if len(text) <= LONGEST_CELL else f"{text[: LONGEST_CELL - 1]}…"
