"""What Django and pytest-django make of the tests, as far as real workers must know."""

from __future__ import annotations

import functools
import importlib.util
import sys
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_celery_perf.errors import ConfigurationError
from pytest_celery_perf.model.arguments import did_you_mean
from pytest_celery_perf.model.spec import QueriesBudget, TestSpec
from pytest_celery_perf.probe.django_glue import file_caches, is_configured, redis_caches
from pytest_celery_perf.probe.sqlalchemy_queries import engine_names

if TYPE_CHECKING:
    import pytest

_DATABASES = 2
"""The place of ``databases`` among the arguments of ``django_db``."""
_TRANSACTIONAL = {"transactional_db", "django_db_reset_sequences", "django_db_serialized_rollback", "live_server"}


@dataclass(slots=True)
class Commits:
    """What became of the functions that one test has given to ``transaction.on_commit``."""

    django: bool
    """Whether there is any Django to give them to."""
    given: int = 0
    ran: int = 0
    raised: bool = False
    """Whether one of them raised: Django then drops those after it."""

    def noted(self, function: Callable[[], object]) -> Callable[[], object]:
        """Return a function that does the same, and is counted."""
        self.given += 1

        @functools.wraps(function)
        def run() -> object:
            self.ran += 1
            try:
                return function()
            except BaseException:
                self.raised = True
                raise

        return run

    @property
    def waiting(self) -> int:
        """How many functions wait for the commit of a transaction that is still open."""
        if not self.django:
            return 0
        from django.db import connections

        return sum(len(connection.run_on_commit) for connection in connections.all(initialized_only=True))

    @property
    def rolled_back(self) -> int:
        """How many were dropped with a transaction that was rolled back; 0 where nobody can tell."""
        return 0 if self.raised else max(0, self.given - self.ran - self.waiting)


class Project:
    """The project under test: with Django, or a plain Celery app.

    Args:
        config: pytest's configuration, after Django was set up.

    Raises:
        ConfigurationError: Django is in use, but nothing gives it test databases.
    """

    def __init__(self, config: pytest.Config) -> None:
        self.uses_django = is_configured()
        if self.uses_django and not config.pluginmanager.hasplugin("django"):
            raise ConfigurationError(
                "Django is configured, but pytest-django is not active: the workers would run on the project's real "
                "database. Install pytest-django (pip install 'pytest-celery-perf[django]')"
            )
        self._real_names = _names_in_settings() if self.uses_django else {}

    def use_database_files(self, directory: Path) -> None:
        """Give SQLite's test databases files, before they are created: another process cannot see memory.

        Nothing in them outlives the tests, so this process, which migrates and flushes them, does not wait for the
        disk: with a large project's migrations that takes minutes.

        Args:
            directory: Where the files are made.

        Source:
            https://www.sqlite.org/pragma.html#pragma_synchronous: OFF loses data only if the machine goes down.
        """
        if not self.uses_django:
            return
        from django.db import connections

        for alias, settings in connections.settings.items():
            test = settings["TEST"]
            if settings["ENGINE"].endswith("sqlite3") and not test.get("NAME") and not test.get("MIRROR"):
                test["NAME"] = str(directory / f"test_{alias}.sqlite3")
                options = settings.setdefault("OPTIONS", {})
                options["init_command"] = options.get("init_command", "") + ";PRAGMA synchronous=OFF"

    def set_databases_apart(self, suffix: str) -> None:
        """Give the test databases names of their own, before they are created: another process has the same project.

        Args:
            suffix: What the names shall end with; empty: leave them alone.

        Source:
            ``_set_suffix_to_test_databases`` of pytest-django, which does so for the workers of pytest-xdist.
        """
        if not self.uses_django or not suffix:
            return
        from django.db import connections

        for settings in connections.settings.values():
            test = settings["TEST"]
            in_directory = settings["ENGINE"].endswith("sqlite3") and not test.get("NAME")
            if not in_directory and not test.get("MIRROR") and test.get("NAME") != ":memory:":
                test["NAME"] = f"{test.get('NAME') or 'test_' + settings['NAME']}_{suffix}"

    def database_names(self) -> dict[str, str]:
        """Return the names of the test databases, by alias, once they exist."""
        if not self.uses_django:
            return {}
        from django.db import connections

        return {alias: str(connections[alias].settings_dict["NAME"]) for alias in connections}

    def closed_databases(self, items: Iterable[pytest.Item]) -> tuple[str, ...]:
        """Return the aliases whose names are those of the project's real databases, once the test databases exist.

        Where tests ask for databases and none was made, the project has a ``django_db_setup`` of its own, and means the
        real ones.

        Args:
            items: The tests of this run.

        Source:
            ``pytest_django.fixtures._get_databases_for_setup``: only what the tests of a run ask for is made;
            https://pytest-django.readthedocs.io/en/latest/database.html#using-an-existing-external-database-for-tests.
        """
        names = self.database_names()
        real = tuple(alias for alias, name in names.items() if name == self._real_names[alias])
        none_made = len(real) == len(names)
        return () if none_made and any(_asks_for_databases(item) for item in items) else real

    def closed_to(self, item: pytest.Item) -> tuple[str, ...]:
        """Return the aliases of the databases that a test does not ask for, nor for what they are copies of in tests.

        Args:
            item: The test.

        Source:
            ``pytest_django.fixtures._get_databases_for_test``.
        """
        if not self.uses_django:
            return ()
        from django.db import connections

        asked = _databases_of(item)
        if asked == "__all__":
            return ()
        return tuple(
            alias
            for alias, settings in connections.settings.items()
            if alias not in asked and settings["TEST"].get("MIRROR") not in asked
        )

    def kinds_of_databases(self) -> str:
        """Return the kinds of databases that Django uses, such as ``sqlite``; empty without Django."""
        if not self.uses_django:
            return ""
        from django.db import connections

        return ", ".join(sorted({connection.vendor for connection in connections.all()}))

    def caches(self) -> tuple[str, ...]:
        """Return the aliases of the caches that live in Redis."""
        return tuple(redis_caches()) if self.uses_django else ()

    def file_caches(self) -> tuple[str, ...]:
        """Return the aliases of the caches that live in directories."""
        return tuple(file_caches()) if self.uses_django else ()

    @contextmanager
    def commits(self) -> Iterator[Commits]:
        """Watch what becomes of functions that are given to ``transaction.on_commit`` meanwhile."""
        commits = Commits(self.uses_django)
        if not self.uses_django:
            yield commits
            return
        from django.db.backends.base.base import BaseDatabaseWrapper

        wrapper: Any = BaseDatabaseWrapper
        on_commit = wrapper.on_commit

        def noted(connection: Any, func: Any, *args: Any, **kwargs: Any) -> None:
            on_commit(connection, commits.noted(func) if callable(func) else func, *args, **kwargs)

        wrapper.on_commit = noted
        try:
            yield commits
        finally:
            wrapper.on_commit = on_commit

    def check(self, item: pytest.Item, spec: TestSpec) -> None:
        """Refuse a test that cannot work with real workers.

        Args:
            item: The test.
            spec: What its markers ask for.

        Raises:
            ConfigurationError: It runs inside a transaction, or counts queries where nobody can.
        """
        if not self.uses_django:
            counts = any(isinstance(budget, QueriesBudget) for budget in spec.budgets)
            if counts and importlib.util.find_spec("sqlalchemy") is None:
                raise ConfigurationError(
                    "@pytest.mark.celery_queries counts the queries of Django, which is not configured here (install "
                    "pytest-django and set DJANGO_SETTINGS_MODULE), and of SQLAlchemy, which is not installed"
                )
            return
        if not _in_transaction(item):
            return
        raise ConfigurationError(
            "the test runs inside a database transaction that is rolled back, so no worker sees its data, and its own "
            "on_commit callbacks never run. Write @pytest.mark.django_db(transaction=True), or use the "
            "transactional_db fixture (in a class: django.test.TransactionTestCase)"
        )

    def with_databases(self, spec: TestSpec) -> TestSpec:
        """Look for the databases that a test names.

        Args:
            spec: What its markers ask for.

        Returns:
            The same, with the names that may yet be those of engines which only workers make.

        Raises:
            ConfigurationError: There is no such database, and SQLAlchemy, whose engines have names too, is not in use.
        """
        budgets = (self._with_databases(each) if isinstance(each, QueriesBudget) else each for each in spec.budgets)
        return replace(spec, budgets=tuple(budgets))

    def _with_databases(self, budget: QueriesBudget) -> QueriesBudget:
        known = self._aliases()
        unknown = [alias for alias, _ in budget.using if alias not in known]
        if unknown and self.uses_django and "sqlalchemy" not in sys.modules:
            raise ConfigurationError(
                f"@pytest.mark.celery_queries: using={dict(budget.using)}: DATABASES has no {unknown[0]!r}, only "
                f"{', '.join(known)} (and nothing has imported SQLAlchemy, whose engines have names too)"
                f"{did_you_mean(unknown[0], known)}"
            )
        engines = engine_names() if unknown else set()
        return replace(budget, unheard_of=tuple(alias for alias in unknown if alias not in engines))

    def _aliases(self) -> tuple[str, ...]:
        if not self.uses_django:
            return ()
        from django.db import connections

        return tuple(connections)


def _names_in_settings() -> dict[str, str]:
    from django.db import connections

    return {alias: str(settings["NAME"]) for alias, settings in connections.settings.items()}


def _databases_of(item: pytest.Item) -> Collection[str]:
    """Return the aliases of the databases that a test asks for; Django's ``"__all__"`` for all of them."""
    if case := _django_case(item):
        asked = getattr(case, "databases", None)
    elif mark := item.get_closest_marker("django_db"):
        asked = mark.args[_DATABASES] if len(mark.args) > _DATABASES else mark.kwargs.get("databases")
    elif not _asks_for_databases(item):
        return ()
    else:
        asked = None
    return ("default",) if asked is None else asked


def _asks_for_databases(item: pytest.Item) -> bool:
    fixtures = set(getattr(item, "fixturenames", ()))
    return bool(
        _django_case(item) or fixtures & {"db", *_TRANSACTIONAL} or item.get_closest_marker("django_db") is not None
    )


def _in_transaction(item: pytest.Item) -> bool:
    if case := _django_case(item):
        from django.test import TestCase

        return issubclass(case, TestCase)
    fixtures = set(getattr(item, "fixturenames", ()))
    if fixtures & _TRANSACTIONAL:
        return False
    mark = item.get_closest_marker("django_db")
    if mark is None:
        return "db" in fixtures
    transaction = mark.args[0] if mark.args else mark.kwargs.get("transaction", False)
    return not transaction


def _django_case(item: pytest.Item) -> type | None:
    """Return the test's class if that is one of Django's which use databases."""
    case: Any = getattr(item, "cls", None)
    if case is None or "django" not in sys.modules:
        return None
    from django.test import TransactionTestCase

    return case if issubclass(case, TransactionTestCase) else None
