"""What tests do to the PostgreSQL server beside using it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import psycopg


def drop(connection: psycopg.Connection, name: str) -> None:
    """Drop a database, whoever is connected to it.

    Args:
        connection: To another database, committing by itself.
        name: Of the database.

    Source:
        PostgreSQL's ``TerminateOtherDBBackends``: only a superuser may end a process of autovacuum by ``FORCE``.
        Without that, DROP DATABASE sends those away, and refuses where others are connected.
    """
    from psycopg.errors import InsufficientPrivilege

    try:
        connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')
    except InsufficientPrivilege:
        connection.execute(f'DROP DATABASE "{name}"')
