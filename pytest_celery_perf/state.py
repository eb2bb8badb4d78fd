"""Reads what the databases of the test hold, through Django."""

# ruff: noqa: SLF001 - `_meta` is what Django documents.

from __future__ import annotations

import json
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any

from pytest_celery_perf.model.state import Column, Kind, State, Table


def capture(aliases: Iterable[str], others: Collection[Place] = ()) -> State:
    """Read every row of the tables that Django empties between tests: those of all managed models.

    Args:
        aliases: Of the databases, as Django knows them; the test must be allowed to use them.
        others: Tables without a managed model, to be read as well.

    Source:
        ``django.core.management.commands.flush`` empties no other: what is there is older than the test.
    """
    managed = [_read(model, alias) for alias in aliases for model in _models(alias)]
    return State(tables=(*managed, *map(_read_other, others)))


def column_names(aliases: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """Return the names of the columns that `capture` reads of tables with a model, by the table's name."""
    from django.apps import apps

    # Asked at collection, when there is no database yet: by the models alone.
    models = [*apps.get_models(include_auto_created=True)]
    return {_name(model, alias): tuple(each.column for each in _fields(model)) for alias in aliases for model in models}


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A table that Django does not empty between tests."""

    alias: str
    """Of its database."""
    table: str

    @property
    def name(self) -> str:
        """The table's name, as in `model.state.Table`."""
        return _qualified(self.table, self.alias)


def other_places(alias: str) -> list[Place]:
    """Return the tables of a database that have no managed model: of SQL in a migration, of models with managed=False.

    Source:
        ``django.db.backends.base.introspection``: views and partitions are none; their rows are those of other tables.
    """
    from django.db import connections
    from django.db.migrations.recorder import MigrationRecorder

    connection = connections[alias]
    introspection = connection.introspection
    managed = introspection.django_table_names(include_views=False)
    known = {introspection.identifier_converter(name) for name in managed}
    known.add(MigrationRecorder.Migration._meta.db_table)
    if connection.vendor == "sqlite":
        known |= _of_modules(connection)
    return [Place(alias=alias, table=name) for name in introspection.table_names() if name not in known]


def _of_modules(connection: Any) -> set[str]:
    """Return SQLite's virtual tables, such as full-text indexes, and those in which their modules keep their content.

    Source:
        https://www.sqlite.org/pragma.html#pragma_table_list: since 3.37; the content is the module's own business.
    """
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA table_list")
        return {name for _, name, kind, *_ in cursor.fetchall() if kind in ("virtual", "shadow")}


def columns_of(place: Place) -> tuple[Column, ...]:
    """Return the columns of a table without a managed model, as far as its database tells them."""
    from django.db import connections

    introspection = connections[place.alias].introspection

    def kind_of(field: Any) -> Kind:
        try:
            # As `inspectdb` asks, to which a type of an extension is unknown, too.
            kind = str(introspection.get_field_type(field.type_code, field))
        except KeyError:
            return Kind.VALUE
        return Kind.VOLATILE if kind.endswith("AutoField") else Kind.VALUE

    with connections[place.alias].cursor() as cursor:
        fields = introspection.get_table_description(cursor, place.table)
        targets = introspection.get_relations(cursor, place.table)
    return tuple(
        Column(
            name=field.name,
            kind=Kind.REFERENCE,
            table=_qualified(targets[field.name][1], place.alias),
            column=targets[field.name][0],
        )
        if field.name in targets
        else Column(name=field.name, kind=kind_of(field))
        for field in fields
    )


def rows_of(place: Place, columns: Iterable[Column]) -> list[tuple[Any, ...]]:
    """Return the rows of a table without a managed model, as its database has them."""
    from django.db import connections

    connection = connections[place.alias]
    quoted = connection.ops.quote_name
    names = ", ".join(quoted(column.name) for column in columns)
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {names} FROM {quoted(place.table)}")  # noqa: S608 - names that the database told
        rows: list[tuple[Any, ...]] = cursor.fetchall()
    return rows


def _read_other(place: Place) -> Table:
    columns = columns_of(place)
    return Table(
        name=place.name,
        columns=columns,
        rows=tuple(tuple(_cell(value, Kind.VALUE) for value in row) for row in rows_of(place, columns)),
    )


def _models(alias: str) -> list[Any]:
    """Return the models whose tables are in a database: a router may have put them into another."""
    from django.apps import apps
    from django.db import connections

    connection = connections[alias]
    existing = {*connection.introspection.django_table_names(only_existing=True, include_views=False)}
    models = (model for model in apps.get_models(include_auto_created=True) if not model._meta.proxy)
    return [model for model in models if model._meta.db_table in existing]


def _name(model: Any, alias: str) -> str:
    return _qualified(str(model._meta.db_table), alias)


def _qualified(table: str, alias: str) -> str:
    from django.db import DEFAULT_DB_ALIAS

    return table if alias == DEFAULT_DB_ALIAS else f"{alias}:{table}"


def _fields(model: Any) -> list[Any]:
    return list(model._meta.local_concrete_fields)


def _read(model: Any, alias: str) -> Table:
    from django.db.models import QuerySet

    fields = _fields(model)
    columns = tuple(_column(field, alias) for field in fields)
    # Not by the model's own manager, which may hide rows.
    rows: Iterable[tuple[Any, ...]] = (
        QuerySet(model, using=alias).order_by("pk").values_list(*(field.attname for field in fields))
    )
    return Table(
        name=_name(model, alias),
        columns=columns,
        rows=tuple(
            tuple(_cell(value, column.kind) for value, column in zip(row, columns, strict=True)) for row in rows
        ),
    )


def _column(field: Any, alias: str) -> Column:
    from django.db.models import JSONField

    if field.is_relation:
        target = field.target_field
        return Column(
            name=field.column, kind=Kind.REFERENCE, table=_name(target.model, alias), column=str(target.column)
        )
    # A key with a default of its own is as automatic as a sequence: mostly it is a UUID.
    automatic = field.primary_key and (field.get_internal_type().endswith("AutoField") or field.has_default())
    if automatic or getattr(field, "auto_now", False) or getattr(field, "auto_now_add", False):
        return Column(name=field.column, kind=Kind.VOLATILE)
    return Column(name=field.column, kind=Kind.JSON if isinstance(field, JSONField) else Kind.VALUE)


def _cell(value: Any, kind: Kind) -> str | None:
    if value is None:
        return None
    if kind is Kind.JSON:
        return json.dumps(value, sort_keys=True, default=str)
    return bytes(value).hex() if isinstance(value, (bytes, memoryview)) else str(value)
