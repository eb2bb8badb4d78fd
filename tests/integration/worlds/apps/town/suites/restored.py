"""After a test of ours, an ordinary one finds the app as it was."""

from __future__ import annotations

import json
import os

import pytest
from diary.models import Entry
from django.conf import settings
from django.core.cache import caches
from stock import tasks
from town.celery import app

everywhere = pytest.mark.django_db(transaction=True, databases="__all__")
ORDINARY = range(4)


def told() -> list[str]:
    return [*Entry.objects.order_by("pk").values_list("text", flat=True)]


@pytest.fixture
def failing_set_up(celery_perf):
    raise RuntimeError("in the set-up")


@everywhere
class TestInTurns:
    def test_0_ordinary(self):
        is_untouched()

    @pytest.mark.celery_queries(max=10)
    def test_1_ours(self, celery_perf):
        assert not app.conf.task_always_eager
        assert app.conf.broker_url == celery_perf.broker.url(0) or app.conf.broker_url.startswith("redis://")
        assert "invalid" not in app.conf.broker_url + app.conf.result_backend
        celery_perf.run(tasks.count_items)

    def test_2_ordinary(self):
        is_untouched()

    def test_3_ours_fails(self, celery_perf):
        celery_perf.run(tasks.count_items)
        raise RuntimeError("in the body")

    def test_4_ordinary(self):
        is_untouched()

    def test_5_ours_fails_in_its_set_up(self, failing_set_up):
        pass

    def test_6_ordinary(self):
        is_untouched()

    @pytest.mark.celery_worker(env={"TOWN_BREAKS": "1"})
    def test_7_ours_has_no_workers(self, celery_perf):
        pass

    def test_8_ordinary(self):
        is_untouched()

    def test_9_cache(self, celery_perf):
        caches["default"].set("key", "from the test")
        celery_perf.run(tasks.cache_read, ["key"])
        location, found = json.loads(told()[0])
        assert found == "from the test"
        assert caches["default"].get("key") == "from the worker"
        assert location == settings.CACHES["default"]["LOCATION"]


def is_untouched():
    assert tasks.count_items.delay().get() is None
    assert told() == ["0"], "it did not run eagerly, here"
    assert app.conf.task_always_eager is True
    assert app.conf.broker_url == settings.CELERY_BROKER_URL == "redis://broker.invalid:1/0"
    assert app.conf.result_backend == settings.CELERY_RESULT_BACKEND == "redis://results.invalid:1/1"
    assert app.connection_for_write().hostname == "broker.invalid"
    assert settings.CACHES["default"]["LOCATION"] == "redis://cache.invalid:1/0"
    assert caches["default"]._servers == ["redis://cache.invalid:1/0"]
    assert not [name for name in os.environ if name.startswith("CELERY_") and "URL" in name]
