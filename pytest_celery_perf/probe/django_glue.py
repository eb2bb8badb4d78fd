"""What Django needs so that a worker works on the test's databases and caches."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Collection, Iterable, Iterator
from typing import Any


def is_configured() -> bool:
    """Tell whether this process has Django's settings, without loading them; ``django`` alone is imported by kombu."""
    if "django.conf" not in sys.modules:
        return False
    from django.conf import settings

    return bool(settings.configured)


@contextlib.contextmanager
def without_checks() -> Iterator[None]:
    """Import an app's tasks without Django's system checks, some of which open the project's real database.

    A worker makes them all the same when it boots, on the test databases.

    Source:
        ``celery.fixups.django.DjangoWorkerFixup.validate_models``.
    """
    before = os.environ.get("CELERY_SKIP_CHECKS")
    os.environ["CELERY_SKIP_CHECKS"] = "true"
    try:
        yield
    finally:
        del os.environ["CELERY_SKIP_CHECKS"]
        if before is not None:
            os.environ["CELERY_SKIP_CHECKS"] = before


def use_databases(names: dict[str, str]) -> None:
    """Make this process connect to the test databases, whenever it loads its settings.

    Args:
        names: Database names by alias, as the test process has them.

    Source:
        ``django.db.utils.ConnectionHandler.configure_settings``: every way of configuring
        ``DATABASES`` passes through it.
    """
    if not names:
        return
    from django.db import connections
    from django.db.utils import ConnectionHandler

    configure = ConnectionHandler.configure_settings

    def with_test_names(handler: Any, databases: Any) -> Any:
        configured = configure(handler, databases)
        for alias, name in names.items():
            if alias in configured:
                configured[alias]["NAME"] = name
        return configured

    patched: Any = ConnectionHandler
    patched.configure_settings = with_test_names
    if "settings" in connections.__dict__:
        # Loaded before the probe came: a forked worker. Open connections hold the same dict.
        for alias, name in names.items():
            if alias in connections.settings:
                connections.settings[alias]["NAME"] = name


def close_databases(aliases: Collection[str]) -> None:
    """Let this process connect to some databases no more, as pytest-django does in the tests' own process.

    Args:
        aliases: Of databases that no test has asked for, so that the names in the settings are those of real ones.

    Source:
        ``pytest_django.plugin.DjangoDbBlocker``: every query passes through ``ensure_connection``.
    """
    if not aliases:
        return
    from django.db.backends.base.base import BaseDatabaseWrapper

    connect = BaseDatabaseWrapper.ensure_connection

    def unless_closed(connection: Any) -> None:
        if connection.alias in aliases:
            raise RuntimeError(
                f"database {connection.alias!r} is closed to the workers: no test of this run asks for it, so there is "
                "no test database of it, and the project's own is not for tests. Mark the test with "
                f"{_mark(['default', connection.alias])}"
            )
        connect(connection)

    patched: Any = BaseDatabaseWrapper
    patched.ensure_connection = unless_closed


class Databases:
    """The databases that a worker's tasks may use: those that the test asks for to which they belong.

    Nobody would empty any other after the test, and Django refuses it in the tests' own process, too.
    """

    def __init__(self) -> None:
        self._closed: Collection[str] = ()
        self._watched = False

    def close(self, aliases: Collection[str]) -> None:
        """Let no task use some databases, until this is called again for another test.

        Args:
            aliases: Theirs.

        Source:
            ``django.test.testcases.SimpleTestCase._disallowed_connection_methods``: what connects is refused, and what
            makes a cursor.
        """
        self._closed = aliases
        if aliases and not self._watched:
            self._watched = True
            self._watch()

    def _watch(self) -> None:
        from django.db.backends.base.base import BaseDatabaseWrapper

        patched: Any = BaseDatabaseWrapper
        connect, make_cursor = patched.ensure_connection, patched._cursor

        def connect_unless_closed(connection: Any) -> None:
            if connection.connection is None:  # Celery looks after one that a test before has left
                self._check(connection.alias)
            connect(connection)

        def make_cursor_unless_closed(connection: Any, *args: Any, **kwargs: Any) -> Any:
            self._check(connection.alias)
            return make_cursor(connection, *args, **kwargs)

        patched.ensure_connection, patched._cursor = connect_unless_closed, make_cursor_unless_closed

    def _check(self, alias: str) -> None:
        if alias not in self._closed:
            return
        from django.db import connections

        asked = [each for each in connections if each not in self._closed]
        raise RuntimeError(
            f"database {alias!r} is closed to the workers: this test does not ask for it, so nothing would empty it "
            f"afterwards. Mark the test with {_mark([*asked, alias])} (in a TransactionTestCase: databases = …)"
        )


def _mark(aliases: Iterable[str]) -> str:
    """Return the mark by which a test asks for databases."""
    named = [*dict.fromkeys(aliases)]
    databases = "" if named == ["default"] else f", databases={named}"
    return f"@pytest.mark.django_db(transaction=True{databases})"


def _backends() -> dict[str, str]:
    if not is_configured():
        return {}
    from django.conf import settings

    return {alias: cache.get("BACKEND", "") for alias, cache in settings.CACHES.items()}


def redis_caches() -> list[str]:
    """Return the aliases of the configured caches that are kept in Redis."""
    return [alias for alias, backend in _backends().items() if "redis" in backend.lower()]


def file_caches() -> list[str]:
    """Return the aliases of the configured caches that are kept in a directory."""
    return [alias for alias, backend in _backends().items() if backend.endswith(".FileBasedCache")]


def use_caches(locations: dict[str, str]) -> dict[str, Any]:
    """Point caches at other servers and directories.

    Args:
        locations: URLs and directories by cache alias.

    Returns:
        The locations before, to be given to this function again.
    """
    if not locations or not is_configured():
        return {}
    from django.conf import settings
    from django.core.cache import caches

    before = {}
    for alias, location in locations.items():
        if alias in settings.CACHES:
            before[alias] = settings.CACHES[alias].get("LOCATION")
            settings.CACHES[alias]["LOCATION"] = location
            caches.settings[alias]["LOCATION"] = location
            with contextlib.suppress(AttributeError):
                del caches[alias]
    return before


def clear_caches(aliases: Iterable[str]) -> None:
    """Empty caches: what one test has left there would spare the next one its queries.

    Args:
        aliases: Of caches that belong to the tests alone.
    """
    if not is_configured():
        return
    from django.core.cache import caches

    for alias in aliases:
        caches[alias].clear()


def local_caches() -> list[str]:
    """Return the aliases of the configured caches that each process keeps in its own memory."""
    return [alias for alias, backend in _backends().items() if backend.endswith(".LocMemCache")]


def lasting_caches(emptied: Collection[str]) -> dict[str, str]:
    """Return the backends of the configured caches, by alias, whose content outlives a run of a sweep.

    Args:
        emptied: Aliases of those that belong to the tests alone.
    """
    # Of a DatabaseCache, the table is put back with all others that have no model.
    short = (".LocMemCache", ".DummyCache", ".DatabaseCache")
    return {
        alias: backend.rpartition(".")[2]
        for alias, backend in _backends().items()
        if alias not in emptied and not backend.endswith(short)
    }


def clear_stale_caches() -> None:
    """Forget what a flush of the test database has made untrue in this process.

    The flush gives content types and sites new keys, but a worker that lives on remembers the old.
    """
    clear_caches(local_caches())
    if "django.contrib.contenttypes.models" in sys.modules:
        sys.modules["django.contrib.contenttypes.models"].ContentType.objects.clear_cache()
    if "django.contrib.sites.models" in sys.modules:
        sys.modules["django.contrib.sites.models"].Site.objects.clear_cache()
