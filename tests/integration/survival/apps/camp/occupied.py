"""Tests that are interrupted while their workers run tasks; there is one for each of two xdist workers."""

from __future__ import annotations

import pytest
from camp import occupy


@pytest.mark.parametrize("number", [1, 2])
def test_waits_for_its_tasks(celery_perf, camp: str, number: int) -> None:
    occupy.delay(camp)


@pytest.mark.celery_worker(pool="prefork", concurrency=2, start="cold")
def test_is_interrupted_in_its_body(celery_perf, camp: str) -> None:
    occupy.delay(camp)
    occupy.delay(camp)
    celery_perf.wait()
