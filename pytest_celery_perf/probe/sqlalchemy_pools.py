"""Whether SQLAlchemy holds connections open, which a process must not share with those that it is forked into."""

from __future__ import annotations

from typing import Any

from pytest_celery_perf.probe import imports

_open: dict[int, str] = {}
"""The drivers of the open connections, by the connection's id."""


def watch() -> None:
    """Notice from now on which connections are opened and closed, if the app uses SQLAlchemy at all."""
    imports.once_imported("sqlalchemy", _listen)


def open_drivers() -> tuple[str, ...]:
    """Return the drivers by which connections are open, such as ``sqlite3``."""
    return tuple(dict.fromkeys(_open.values()))


def _listen() -> None:
    """Listen to every pool.

    Source:
        SQLAlchemy's PoolEvents.
    """
    from sqlalchemy import event
    from sqlalchemy.pool import Pool

    event.listen(Pool, "connect", _opened)
    for name in ("close", "close_detached"):
        event.listen(Pool, name, _closed)


def _opened(connection: Any, _record: Any) -> None:
    _open[id(connection)] = type(connection).__module__.partition(".")[0]


def _closed(connection: Any, *_: Any) -> None:
    _open.pop(id(connection), None)
