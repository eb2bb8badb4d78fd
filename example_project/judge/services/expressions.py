"""What the ORM does not bring along."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db.models import Func, JSONField

if TYPE_CHECKING:
    from django.db.backends.base.base import BaseDatabaseWrapper
    from django.db.models.sql.compiler import SQLCompiler


class JSONIncrement(Func):
    """Adds one to a number inside a JSON object, within the database.

    Read, changed and saved by the task, the object would lose the increments of all tasks that
    ran at the same time, and would cost a query more.
    """

    output_field = JSONField()

    def __init__(self, field: str, key: str) -> None:
        """Make the expression.

        Args:
            field: The JSON field's name.
            key: The number's key; taken for 0 where it is missing. Letters and underscores only: it becomes SQL.
        """
        if not key.isidentifier():
            raise ValueError(f"key {key!r}: must be an identifier")
        super().__init__(field, key=key)

    def as_sqlite(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper, **context: Any) -> tuple[str, Any]:
        """Write it for SQLite."""
        path = "'$.%(key)s'"
        template = f"JSON_SET(%(expressions)s, {path}, COALESCE(JSON_EXTRACT(%(expressions)s, {path}), 0) + 1)"
        return self.as_sql(compiler, connection, template=template, **context)

    def as_postgresql(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper, **context: Any) -> tuple[str, Any]:
        """Write it for PostgreSQL."""
        number = "TO_JSONB(COALESCE((%(expressions)s ->> '%(key)s')::int, 0) + 1)"
        template = f"JSONB_SET(%(expressions)s, '{{%(key)s}}', {number})"
        return self.as_sql(compiler, connection, template=template, **context)
