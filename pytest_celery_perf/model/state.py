"""What a database held at one moment, so that two runs of a test can be compared."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """What a column holds, as far as two runs may differ in it."""

    VALUE = "value"
    JSON = "json"
    """A document; its leaves are compared one by one."""
    VOLATILE = "volatile"
    """What the database or the clock chooses: an automatic key, ``auto_now``."""
    REFERENCE = "reference"
    """The key of another row, which may be another key in another run."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A column of a table."""

    name: str
    kind: Kind = Kind.VALUE
    table: str = ""
    """Of a reference: the table that holds the other row."""
    column: str = ""
    """Of a reference: the column by which that row is found there."""


Row = tuple[str | None, ...]
"""The cells in the order of the columns, as text; documents as JSON."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """The rows of one table."""

    name: str
    """With the database's alias before it where that is not ``default``: ``archive:shop_order``."""
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    """In order of their keys, which is mostly that of their making."""


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """All that the databases of a test held at one moment."""

    tables: tuple[Table, ...] = ()

    def table(self, name: str) -> Table | None:
        """Return a table; None if there is none of that name."""
        return next((table for table in self.tables if table.name == name), None)
