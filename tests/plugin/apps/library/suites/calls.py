"""Calls are counted alike in every process and run; test_measure.py runs this twice."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from library.models import Author, Book
from library.tasks import one_by_one

from pytest_celery_perf import CeleryPerf
from pytest_celery_perf.measure.registry import OF_EXECUTION


@pytest.mark.django_db(transaction=True)
@pytest.mark.celery_worker(concurrency=2)
@pytest.mark.celery_cpu(calls=1_000_000)
def test_queries(celery_perf: CeleryPerf, record_property: Callable[[str, object], None]) -> None:
    for number in range(5):
        Book.objects.create(title=str(number), author=Author.objects.create(name=str(number)))
    executions = celery_perf.run(one_by_one, times=12).history.executions
    for cold in (True, False):
        counts = {OF_EXECUTION["calls"](each) for each in executions if each.first_in_process is cold}
        assert len(counts) == 1
        record_property(f"cold {cold}", counts.pop())
