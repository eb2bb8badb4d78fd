from __future__ import annotations

import pytest
from diary.models import Entry
from django.contrib.contenttypes.models import ContentType
from django.test import TransactionTestCase
from stock import tasks
from stock.models import Item

databases = pytest.mark.django_db(transaction=True, databases="__all__")


def told() -> list[str]:
    return [*Entry.objects.order_by("pk").values_list("text", flat=True)]


@databases
@pytest.mark.parametrize("number", range(3))
def test_rows_go_both_ways(celery_perf, number):
    assert Item.objects.count() == Entry.objects.count() == 0, "the test before has left rows"
    Item.objects.create(name="tea")
    celery_perf.run(tasks.count_items)
    assert told() == ["1"]


@databases
@pytest.mark.parametrize("number", range(3))
def test_content_types(celery_perf, number):
    celery_perf.run(tasks.tag)
    assert told() == [str(ContentType.objects.get_for_model(Item).pk)]


@databases
@pytest.mark.celery_queries(exact=2)
def test_queries():
    tasks.count_items.delay()


class TestInTheOldStyle(TransactionTestCase):
    databases = "__all__"

    @pytest.fixture(autouse=True)
    def _perf(self, celery_perf):
        self.celery_perf = celery_perf

    def test_rows_go_both_ways_again(self):
        Item.objects.create(name="tea")
        self.celery_perf.run(tasks.count_items)
        assert told() == ["1"]


class TestWithoutAFixture(TransactionTestCase):
    databases = "__all__"

    @pytest.mark.celery_retries(attempts=1, final="succeeded")
    @pytest.mark.celery_worker(concurrency=1)
    def test_tasks_end_before_the_flush(self):
        pk = Item.objects.create(name="tea").pk
        for _ in range(50):
            tasks.require.delay(pk)
