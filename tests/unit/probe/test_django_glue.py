"""Which databases a worker refuses, before Django would open them."""

from __future__ import annotations

import sys
from types import SimpleNamespace
from typing import Any

import pytest

from pytest_celery_perf.probe import django_glue


class Wrapper:
    """Stands for Django's class of connections."""

    def ensure_connection(self) -> str:
        return "connected"

    def _cursor(self, name: str | None = None) -> str:
        return f"cursor {name}"


@pytest.fixture
def wrapper(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Put the class where Django's is; with Django itself, unconfigured, other tests could not do."""
    module = SimpleNamespace(BaseDatabaseWrapper=Wrapper)
    monkeypatch.setitem(sys.modules, "django.db.backends.base.base", module)
    monkeypatch.setitem(sys.modules, "django.db", SimpleNamespace(connections=["default", "audit", "archive"]))
    for name in ("ensure_connection", "_cursor"):
        monkeypatch.setattr(Wrapper, name, getattr(Wrapper, name))
    return Wrapper


def connection(alias: str, *, is_open: bool = False) -> Any:
    return SimpleNamespace(alias=alias, connection=object() if is_open else None)


def test_nobody_connects_to_what_no_test_of_the_run_asks_for(wrapper: Any) -> None:
    django_glue.close_databases(["audit"])
    wrapper.ensure_connection(connection("default"))
    with pytest.raises(RuntimeError, match=r"'audit' is closed to the workers: no test of this run .*'default', 'aud"):
        wrapper.ensure_connection(connection("audit"))


def test_a_test_closes_what_the_one_before_had_open(wrapper: Any) -> None:
    databases = django_glue.Databases()
    databases.close(["archive"])
    assert wrapper._cursor(connection("audit"), "name") == "cursor name"
    databases.close(["audit", "archive"])
    wrapper.ensure_connection(connection("default"))
    refused = pytest.raises(RuntimeError, match=r"this test does not ask for it.*databases=\['default', 'audit'\]\)")
    with refused:
        wrapper._cursor(connection("audit", is_open=True))
    with refused:
        wrapper.ensure_connection(connection("audit"))
    wrapper.ensure_connection(connection("audit", is_open=True))  # Celery asks whether it is still usable
    databases.close(())
    assert wrapper._cursor(connection("audit")) == "cursor None"


def test_where_no_test_closes_any_nothing_is_watched(wrapper: Any) -> None:
    before = wrapper._cursor
    django_glue.Databases().close(())
    assert wrapper._cursor is before
