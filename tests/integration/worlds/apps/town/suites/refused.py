"""A class each, as one mistake stops the collection of what it is in."""

from __future__ import annotations

import pytest
from django.test import TestCase
from stock import tasks


class TestFixture:
    def test_with_db(self, db, celery_perf):
        celery_perf.run(tasks.count_items)


class TestMark:
    @pytest.mark.django_db
    @pytest.mark.celery_queries(max=2)
    def test_with_the_mark(self):
        tasks.count_items.delay()


class TestInTheOldStyle(TestCase):
    @pytest.mark.celery_queries(max=2)
    def test_with_a_case(self):
        tasks.count_items.delay()


class TestChildren:
    @pytest.mark.django_db(transaction=True)
    @pytest.mark.celery_worker(pool="threads")
    @pytest.mark.celery_recovery(kill="child")
    def test_without_children(self):
        tasks.survive.delay()
