"""What forbids a fork is said, and what needs one is refused."""

from __future__ import annotations

import pytest
from stock import tasks

pytestmark = pytest.mark.django_db(transaction=True, databases="__all__")


OTHER = {"TOWN_VARIABLE": "another value than when the app was imported"}


def test_same_environment(celery_perf):
    celery_perf.run(tasks.count_items)


@pytest.mark.celery_worker(env=OTHER)
def test_changed_environment(celery_perf):
    celery_perf.run(tasks.count_items)


@pytest.mark.celery_worker(env=OTHER, start="warm")
def test_warm_with_a_changed_environment(celery_perf):
    pass


@pytest.mark.gevent
@pytest.mark.celery_worker(pool="gevent", start="warm")
def test_warm_gevent():
    tasks.count_items.delay()
