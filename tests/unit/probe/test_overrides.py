from __future__ import annotations

import pytest
from celery import Celery

from pytest_celery_perf.probe import overrides
from pytest_celery_perf.probe.config import ProbeConfig

OURS = "redis://127.0.0.1:1/0"
FOREIGN = [
    "redis://host/0",
    "rpc://",
    "db+sqlite:////srv/results.sqlite3",
    "db+postgresql://user@host/results",
    "database",
    "cache+memcached://host:11211/",
    "cache",
    "file:///srv/results",
    "mongodb://host/results",
    "filesystem",
    "project.backends:Own",
]
OF_THE_TESTS = ["", "django-db", "django-cache", "cache+memory://", "disabled", "disabled://"]


def config(**settings: object) -> ProbeConfig:
    return ProbeConfig(
        spool="", doorbell="", boot="", clock="", broker_url=OURS, result_backend=OURS, config=dict(settings)
    )


def app(backend: str) -> Celery:
    return Celery("app", result_backend=backend, set_as_current=False)


@pytest.fixture(autouse=True)
def _without_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("CELERY_BROKER_URL", "CELERY_BROKER_READ_URL", "CELERY_BROKER_WRITE_URL", "CELERY_RESULT_BACKEND"):
        monkeypatch.setenv(name, "")  # so that it is put back, too
        monkeypatch.delenv(name)


@pytest.mark.parametrize("backend", FOREIGN)
def test_results_never_go_where_the_app_keeps_its_own(backend: str) -> None:
    changed = {each.name: (each.was, each.now) for each in overrides.overrides_for(app(backend).conf, config())}
    assert changed["result_backend"] == (backend, OURS)


@pytest.mark.parametrize("backend", OF_THE_TESTS)
def test_results_stay_that_go_to_what_is_the_tests_already(backend: str) -> None:
    assert "result_backend" not in {each.name for each in overrides.overrides_for(app(backend).conf, config())}


def test_the_variable_that_wins_over_the_settings_is_replaced_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CELERY_RESULT_BACKEND", "db+sqlite:////srv/results.sqlite3")
    changed = app("")
    overrides.apply(changed, config())
    assert OURS == changed.conf.result_backend


@pytest.mark.parametrize("backend", ["", "redis://host/0", "file:///srv/results"])
@pytest.mark.parametrize("asked", ["file:///tmp/results", "cache+memory://"])
def test_what_a_test_asks_for_itself_it_gets(backend: str, asked: str) -> None:
    changed = app(backend)
    for _ in range(2):  # when its modules are imported, and when the worker starts
        overrides.apply(changed, config(result_backend=asked))
    assert asked == changed.conf.result_backend
