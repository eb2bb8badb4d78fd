"""What is compared with a commit; of each test, what no load of the machine disturbs."""

from __future__ import annotations

import pytest
from mill import clean, fail, grind, hoard

from pytest_celery_perf import CeleryPerf

cpu = pytest.mark.celery_regression(metrics=["cpu"])


@cpu
def test_grind() -> None:
    grind.delay()


@pytest.mark.celery_regression(metrics=["memory"])
def test_hoard() -> None:
    hoard.delay()


@cpu
def test_clean() -> None:
    clean.delay()


@cpu
def test_by_its_name(celery_perf: CeleryPerf) -> None:
    assert celery_perf.run(clean, times=2).succeeded == 2


@cpu
def test_fail(celery_perf: CeleryPerf) -> None:
    assert celery_perf.run(fail).succeeded == 1
