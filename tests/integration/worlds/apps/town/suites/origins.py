"""What forbids a fork is said, and what needs one is refused."""

from __future__ import annotations

import pytest
from stock import tasks

pytestmark = pytest.mark.django_db(transaction=True, databases="__all__")


@pytest.fixture(scope="module", autouse=True)
def variable():
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TOWN_VARIABLE", "another value than when the app was imported")
        yield


def test_changed_environment(celery_perf):
    celery_perf.run(tasks.count_items)


@pytest.mark.celery_worker(start="warm")
def test_warm_with_a_changed_environment():
    tasks.count_items.delay()


@pytest.mark.gevent
@pytest.mark.celery_worker(pool="gevent", start="warm")
def test_warm_gevent():
    tasks.count_items.delay()
