"""Many short tests, as a suite has them that only counts; bench_locks.py locks them."""

from __future__ import annotations

import pytest
from warehouse.celery import count

from pytest_celery_perf import CeleryPerf


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("number", range(40))
def test_count(celery_perf: CeleryPerf, number: int) -> None:
    """Twenty tasks of ten queries."""
    celery_perf.run(count, (10,), times=20)
