"""Reads what the databases of the test hold, through Django."""

# ruff: noqa: SLF001 - `_meta` is what Django documents.

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from pytest_celery_perf.model.state import Column, Kind, State, Table


def capture(aliases: Iterable[str]) -> State:
    """Read every row of the tables that Django empties between tests: those of all managed models.

    Args:
        aliases: Of the databases, as Django knows them; the test must be allowed to use them.

    Source:
        ``django.core.management.commands.flush`` empties no other: what is there is older than the test.
    """
    return State(tables=tuple(_read(model, alias) for alias in aliases for model in _models(alias)))


def column_names(aliases: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """Return the names of the columns that `capture` reads, by the table's name."""
    from django.apps import apps

    # Asked at collection, when there is no database yet: by the models alone.
    models = [model for model in apps.get_models(include_auto_created=True) if model._meta.managed]
    return {_name(model, alias): tuple(each.column for each in _fields(model)) for alias in aliases for model in models}


def _models(alias: str) -> list[Any]:
    """Return the models whose tables are in a database: a router may have put them into another."""
    from django.apps import apps
    from django.db import connections

    connection = connections[alias]
    existing = {*connection.introspection.django_table_names(only_existing=True, include_views=False)}
    models = (model for model in apps.get_models(include_auto_created=True) if not model._meta.proxy)
    return [model for model in models if model._meta.db_table in existing]


def _name(model: Any, alias: str) -> str:
    from django.db import DEFAULT_DB_ALIAS

    table = str(model._meta.db_table)
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
