"""Puts back what a run of a test has changed in tables that Django does not empty after it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from pytest_celery_perf.model.state import Column
from pytest_celery_perf.probe.django_glue import is_configured
from pytest_celery_perf.state import Place, columns_of, other_places, rows_of

MOST_ROWS = 1000
"""Of a table that is kept: what holds more before a test was not made for it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Content:
    """What a table held before the first run."""

    columns: tuple[Column, ...] = ()
    rows: tuple[tuple[Any, ...], ...] = ()


class OtherTables:
    """The tables without a managed model in the databases of one test, which each of its runs shall find alike.

    Args:
        aliases: Of the databases.
    """

    def __init__(self, aliases: tuple[str, ...]) -> None:
        self._aliases = aliases
        self._before: dict[Place, _Content] | None = None
        self._left_alone: dict[str, str] = {}

    @property
    def left_alone(self) -> dict[str, str]:
        """Why runs may find another content in some tables, by the table's name."""
        return dict(self._left_alone)

    def readable(self) -> list[Place]:
        """Return the tables whose content can be compared; what a cache keeps in one is not."""
        caches = cache_tables()
        return [place for place in self._all() if place.name not in self._left_alone and place.table not in caches]

    def keep(self) -> None:
        """Take note of what is in them, before the first run."""
        if self._before is None:
            self._before = {place: content for place in self._all() if (content := self._content(place)) is not None}

    def put_back(self) -> None:
        """Give them again what they held before the first run: those that were made since then, nothing."""
        changed = [place for place in self._all() if place.name not in self._left_alone]
        while changed:
            # A row that another table refers to can go, or come, only after that other row has gone.
            refused = {place: why for place in changed if (why := self._put_back(place))}
            if len(refused) == len(changed):
                self._left_alone |= {place.name: f"cannot be put back: {why}" for place, why in refused.items()}
                return
            changed = [*refused]

    def _all(self) -> Iterator[Place]:
        return (place for alias in self._aliases for place in other_places(alias))

    def _content(self, place: Place) -> _Content | None:
        try:
            if _size(place) > MOST_ROWS:
                self._left_alone[place.name] = f"held more than {MOST_ROWS} rows before the test"
                return None
            columns = columns_of(place)
            return _Content(columns=columns, rows=tuple(rows_of(place, columns)))
        except Exception as error:  # noqa: BLE001 - of a type or a backend that nobody has foreseen
            self._left_alone[place.name] = f"cannot be read: {_gist(error)}"
            return None

    def _put_back(self, place: Place) -> str:
        """Return why a table could not be given its content; empty if it has it."""
        from django.db import transaction

        before = (self._before or {}).get(place, _Content())
        try:
            with transaction.atomic(using=place.alias):
                columns = before.columns or columns_of(place)
                if tuple(rows_of(place, columns)) != before.rows:
                    _replace(place, before)
        except Exception as error:  # noqa: BLE001 - as above
            return _gist(error)
        return ""


def _size(place: Place) -> int:
    from django.db import connections

    connection = connections[place.alias]
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT COUNT(*) FROM {connection.ops.quote_name(place.table)}")  # noqa: S608 - as told to us
        return int(cursor.fetchone()[0])


def _replace(place: Place, content: _Content) -> None:
    from django.db import connections

    connection = connections[place.alias]
    quoted = connection.ops.quote_name
    with connection.cursor() as cursor:
        cursor.execute(f"DELETE FROM {quoted(place.table)}")  # noqa: S608 - a name that the database told
        if content.rows:
            names = ", ".join(quoted(column.name) for column in content.columns)
            values = ", ".join(["%s"] * len(content.columns))
            statement = f"INSERT INTO {quoted(place.table)} ({names}) VALUES ({values})"  # noqa: S608 - as above
            cursor.executemany(statement, content.rows)


def _gist(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]


def cache_tables() -> frozenset[str]:
    """Return the tables that Django's caches are kept in: put back like the others, but no cache is compared."""
    if not is_configured():
        return frozenset()
    from django.conf import settings

    caches = settings.CACHES.values()
    return frozenset(str(each.get("LOCATION")) for each in caches if each["BACKEND"].endswith(".DatabaseCache"))
