"""Tests that come to an end of every kind."""

from __future__ import annotations

import pytest
from camp import add, occupy

from pytest_celery_perf.errors import UnfinishedTasksError


@pytest.fixture
def broken() -> None:
    raise LookupError("set-up fails")


def test_passes(celery_perf) -> None:
    assert celery_perf.run(add, (1, 2)).succeeded == 1


def test_fails_with_tasks_in_flight(celery_perf, camp: str) -> None:
    occupy.delay(camp)
    with pytest.raises(UnfinishedTasksError):
        celery_perf.wait(timeout=1)
    raise AssertionError("on purpose")


@pytest.mark.celery_worker(pool="threads", start="cold")
def test_set_up_fails(celery_perf, broken: None) -> None:
    pass


@pytest.mark.celery_worker(env={"CAMP_REFUSES": "1"})
def test_worker_does_not_boot(celery_perf) -> None:
    pass


def test_passes_again(celery_perf) -> None:
    assert celery_perf.run(add, (1, 2)).succeeded == 1
