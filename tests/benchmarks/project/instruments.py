"""Tests whose tasks say what they take; run by `bench_instruments`, which says what is measured."""

from __future__ import annotations

import statistics
from collections.abc import Callable
from importlib.util import find_spec

import pytest
from warehouse.celery import burn, call, hoard

from pytest_celery_perf import CeleryPerf
from pytest_celery_perf.measure.cpu import cpu_ns

TIMES = 20
BURNT_NS = 30_000_000
HELD_BYTES = 50 << 20
POOLS = ("prefork", "threads", "solo", *(["gevent"] if find_spec("gevent") else []))

Record = Callable[[str, object], None]


@pytest.mark.parametrize(
    "pool", [pytest.param(pool, marks=pytest.mark.celery_worker(pool=pool, concurrency=2)) for pool in POOLS]
)
def test_cpu(celery_perf: CeleryPerf, record_property: Record, pool: str) -> None:
    executions = celery_perf.run(burn, (BURNT_NS,), times=TIMES).history.executions
    errors = [abs((cpu_ns(each) or 0) / BURNT_NS - 1) for each in executions]
    record_property(f"cpu_error_{pool}", max(errors) * 100)


def test_peaks(celery_perf: CeleryPerf, record_property: Record) -> None:
    executions = celery_perf.run(hoard, (HELD_BYTES, 0.03), times=TIMES).history.executions
    added = [each.figures.memory.added_bytes if each.figures.memory else None for each in executions]
    record_property("peaks_unseen", sum((each or 0) < 0.95 * HELD_BYTES for each in added))


@pytest.mark.celery_cpu(calls=10_001)
def test_counted(celery_perf: CeleryPerf, record_property: Record) -> None:
    record_property("calling_ms_counted", _calling_ms(celery_perf))


def test_uncounted(celery_perf: CeleryPerf, record_property: Record) -> None:
    record_property("calling_ms_uncounted", _calling_ms(celery_perf))


def _calling_ms(celery_perf: CeleryPerf) -> float:
    executions = celery_perf.run(call, (10_000,), times=5).history.executions
    return statistics.median((each.cpu_ns or 0) / 1e6 for each in executions)
