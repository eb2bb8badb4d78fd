"""The database: SQLite in a file, or PostgreSQL where ``POSTGRES_DSN`` says so."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit


def from_environment(environment: Mapping[str, str], folder: Path) -> dict[str, Any]:
    """Make the entry of ``DATABASES``.

    Args:
        environment: ``POSTGRES_DSN`` (``postgresql://user:password@host:port/name``) or ``SQLITE_PATH``.
        folder: Where the SQLite file is by default.

    Returns:
        Django's settings of one database.

    Raises:
        ValueError: ``POSTGRES_DSN`` is not such an address.
    """
    if dsn := environment.get("POSTGRES_DSN"):
        return _postgresql(dsn)
    return _sqlite(environment.get("SQLITE_PATH", str(folder / "db.sqlite3")))


def _postgresql(dsn: str) -> dict[str, Any]:
    address = urlsplit(dsn)
    if address.scheme not in ("postgresql", "postgres") or not address.path.strip("/"):
        raise ValueError(f"POSTGRES_DSN: {dsn!r} is not of the form postgresql://user:password@host:port/name")
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": unquote(address.path.lstrip("/")),
        "USER": unquote(address.username or ""),
        "PASSWORD": unquote(address.password or ""),
        "HOST": unquote(address.hostname or ""),
        "PORT": address.port or "",
    }


def _sqlite(path: str) -> dict[str, Any]:
    # Several worker processes write to one file. With IMMEDIATE a transaction takes the write lock when
    # it begins, where it can wait for it; by default it takes it at the first write, where SQLite
    # refuses at once ("database is locked") if somebody else wrote meanwhile.
    return {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": path,
        "OPTIONS": {
            "timeout": 20,
            "transaction_mode": "IMMEDIATE",
            "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
        },
    }
