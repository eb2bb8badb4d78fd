"""``celery_worker(config=)``: what Celery and the app read at any time reaches the worker before that."""

from __future__ import annotations

import pytest

from .inner import Inner, Project

APP = """
import office
from office import app

app.conf.update(greeting="good day")

@app.task
def greet():
    return app.conf.greeting

EARLY = app.conf.greeting
"""
SUITE = """
import json
import pytest
from office import add
from shop import greet

LATE = {"task_acks_late": True, "task_reject_on_worker_lost": True}

def on(config, **arguments):
    return pytest.mark.celery_worker(concurrency=1, config=config, **arguments)

def started(celery_perf):
    (worker,) = celery_perf.history.workers[:1]
    return worker.started_how

OLD = {"CELERY_ACKS_LATE": True, "CELERY_REJECT_ON_WORKER_LOST": True}

@pytest.mark.parametrize("how", [
    pytest.param("auto", marks=on(LATE)),
    pytest.param("cold", marks=on(LATE, start="cold")),
    pytest.param("old", marks=on(OLD)),
])
@pytest.mark.celery_recovery(task="office.add", kill="worker")
def test_what_tasks_are_made_with(celery_perf, how):
    celery_perf.run(add, (1, 2))

@on({"greeting": "hello"})
def test_the_apps_own(celery_perf):
    celery_perf.run(greet)
    assert started(celery_perf) == "cold (greeting is read while the app is imported)"

@on({"worker_prefetch_multiplier": 2})
def test_what_is_read_later(celery_perf):
    celery_perf.run(add, (1, 2))
    assert started(celery_perf) == "warm"

@on({"imports": ["nowhere.to_be_found"]})
def test_what_is_imported(celery_perf):
    celery_perf.run(add, (1, 2))

@on(LATE, start="warm")
def test_warm(celery_perf):
    celery_perf.run(add, (1, 2))
"""


@pytest.fixture(scope="module")
def inner(tmp_path_factory: pytest.TempPathFactory) -> Inner:
    project = Project.copy("plain", tmp_path_factory.mktemp("settings") / "plain")
    project.write("shop.py", APP)
    project.write("test_settings.py", SUITE)
    ini = (project.folder / "pytest.ini").read_text()
    project.write("pytest.ini", ini.replace("office:app", "shop:app"))
    return project.run()


GOOD = {
    "test_what_tasks_are_made_with[auto]",
    "test_what_tasks_are_made_with[cold]",
    "test_what_tasks_are_made_with[old]",
    "test_the_apps_own",
    "test_what_is_read_later",
}


def test_settings_that_have_an_effect(inner: Inner) -> None:
    assert inner.passed == GOOD, inner.text


def test_a_module_that_the_worker_cannot_import(inner: Inner) -> None:
    assert "No module named 'nowhere'" in inner.cases["test_what_is_imported"].message, inner.text


def test_a_start_that_would_come_too_late(inner: Inner) -> None:
    words = "cannot be started warm: task_acks_late is read while the app is imported. Use start='auto' or 'cold'"
    assert words in inner.cases["test_warm"].message, inner.text
