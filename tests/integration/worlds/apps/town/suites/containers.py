from __future__ import annotations

import json
import os

import pytest
from diary.models import Entry
from django.core.cache import caches
from stock import tasks
from stock.models import Item
from town.hanging import give_up

IMAGE = os.environ["TOWN_IMAGE"]
pytestmark = [
    pytest.mark.django_db(transaction=True, databases="__all__"),
    pytest.mark.celery_worker(
        name=os.environ["TOWN_BOX"], runtime="container", image=IMAGE, concurrency=2, cpus=0.5, memory="512MiB"
    ),
]


def told() -> list[str]:
    return [*Entry.objects.order_by("pk").values_list("text", flat=True)]


@pytest.mark.celery_queries(exact=2)
@pytest.mark.celery_latency(max="60s", phase="end_to_end")
def test_queries(celery_perf):
    Item.objects.create(name="tea")
    celery_perf.run(tasks.count_items)
    assert told() == ["1"]


@pytest.mark.celery_latency(max="60s", phase="queue")
def test_clock(celery_perf):
    celery_perf.run(tasks.count_items, times=3)
    [worker] = celery_perf.history.workers
    assert worker.comparable_clock
    assert worker.started_how == "cold (in a container)"


def test_limits(celery_perf):
    celery_perf.run(tasks.limits)
    assert json.loads(told()[0]) == {"memory": str(512 << 20), "cpu": "50000"}


def test_cache(celery_perf):
    caches["default"].set("key", "from the test")
    celery_perf.run(tasks.cache_read, ["key"])
    assert json.loads(told()[0])[1] == "from the test"
    assert caches["default"].get("key") == "from the worker"


@pytest.mark.celery_recovery(kill="child", at="started", within="60s")
def test_kill_child():
    tasks.survive.delay()


@pytest.mark.celery_recovery(kill="worker", at="query:1", within="60s")
def test_kill_worker():
    tasks.survive.delay()


@pytest.mark.celery_retries(final="succeeded")
def test_log():
    tasks.stumble.delay()


def test_stack(celery_perf):
    give_up(celery_perf)
