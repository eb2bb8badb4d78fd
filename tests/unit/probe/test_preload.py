from __future__ import annotations

import sys
from types import SimpleNamespace
from typing import Any

import pytest
import sqlalchemy
from celery import Celery

from pytest_celery_perf.probe import preload, sqlalchemy_pools
from pytest_celery_perf.probe.preload import why_unsound

NO_SOCKET = -1


@pytest.fixture
def quiet_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """The process of the tests has threads and sockets of its own; tests of real ones start real processes."""
    monkeypatch.setattr(preload, "_threads", lambda: None)
    monkeypatch.setattr(preload, "_sockets", lambda _: None)


@pytest.fixture
def app() -> Celery:
    return Celery(set_as_current=False)


def connected(*connections: Any) -> Any:
    return SimpleNamespace(connections=SimpleNamespace(all=lambda initialized_only: connections))


def test_nothing_speaks_against_a_plain_app(quiet_process: None, app: Celery) -> None:
    assert why_unsound(app, NO_SOCKET) is None


@pytest.mark.parametrize(
    ("module", "state"),
    [("gevent.monkey", {"saved": {"socket": {}}}), ("eventlet.patcher", {"already_patched": {"os": 1}})],
)
def test_a_patched_standard_library_does(
    quiet_process: None, app: Celery, monkeypatch: pytest.MonkeyPatch, module: str, state: dict[str, object]
) -> None:
    monkeypatch.setitem(sys.modules, module, SimpleNamespace(**state))
    assert why_unsound(app, NO_SOCKET) == f"importing the app patched the standard library ({module})"


def test_gevent_that_is_only_imported_does_not(
    quiet_process: None, app: Celery, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "gevent.monkey", SimpleNamespace(saved={}))
    assert why_unsound(app, NO_SOCKET) is None


def test_an_open_database_does(quiet_process: None, app: Celery, monkeypatch: pytest.MonkeyPatch) -> None:
    closed = SimpleNamespace(alias="default", connection=None)
    opened = SimpleNamespace(alias="replica", connection=object())
    monkeypatch.setitem(sys.modules, "django.db", connected(closed, opened))
    assert why_unsound(app, NO_SOCKET) == "importing the app connected to the database 'replica'"
    monkeypatch.setitem(sys.modules, "django.db", connected(closed))
    assert why_unsound(app, NO_SOCKET) is None


def test_an_open_connection_of_sqlalchemy_does(quiet_process: None, app: Celery) -> None:
    sqlalchemy_pools._listen()
    engine = sqlalchemy.create_engine("sqlite://")
    engine.connect().close()  # back to the pool
    assert why_unsound(app, NO_SOCKET) == "importing the app connected to a database by SQLAlchemy (sqlite3)"
    engine.dispose()
    assert why_unsound(app, NO_SOCKET) is None


def test_a_pool_that_patches_does(quiet_process: None, app: Celery) -> None:
    app.conf.worker_pool = "gevent"
    assert why_unsound(app, NO_SOCKET) == "the app's worker_pool is gevent, whose patches precede every import"
