"""``celery_memory`` and ``celery_cpu`` on good and on bad code; each test is expected by name in test_resources.py."""

from __future__ import annotations

from statistics import median

import pytest
from office import add, burn, call, delegate, fragile, hoard, seep

from pytest_celery_perf import CeleryPerf
from pytest_celery_perf.measure.cpu import cpu_ns

MIB = 1 << 20
ONE_PREFORK = pytest.mark.celery_worker(pool="prefork", concurrency=1)
ONE_THREAD = pytest.mark.celery_worker(pool="threads", concurrency=1)


@pytest.mark.celery_memory(task=hoard, peak="4GiB", added="60MiB")
@pytest.mark.celery_memory(task=add, added="40MiB", warmup=1)
def test_memory_is_kept(celery_perf: CeleryPerf) -> None:
    celery_perf.run(hoard, (50 * MIB, 0.03), times=2)
    celery_perf.run(add, (1, 2), times=5)


@pytest.mark.celery_memory(growth="100MiB")
@ONE_PREFORK
def test_growth_is_kept(celery_perf: CeleryPerf) -> None:
    celery_perf.run(hoard, (MIB,), times=60, concurrency=1)


@pytest.mark.celery_memory(task=add, growth="100MiB")
@ONE_PREFORK
def test_growth_beside_other_tasks(celery_perf: CeleryPerf) -> None:
    add.delay(1, 2)
    burn.delay(0)


@pytest.mark.celery_cpu(task=burn, p50="1min", max="1min")
@pytest.mark.celery_cpu(task=hoard, share="50%")
def test_cpu_is_kept(celery_perf: CeleryPerf) -> None:
    celery_perf.run(burn, (0.01,), times=5)
    hoard.delay(0, 0.2)


@pytest.mark.parametrize(
    "pool",
    [pytest.param(pool, marks=pytest.mark.celery_worker(pool=pool, concurrency=2)) for pool in ("threads", "gevent")],
)
@pytest.mark.celery_cpu(p50="1min", max="1min")
def test_cpu_is_kept_by_each_of_several(celery_perf: CeleryPerf, pool: str) -> None:
    run = celery_perf.run(burn, (0.03,), times=5)
    taken_ns = [cpu_ns(each) for each in run.history.executions]
    # What interrupts an execution may be counted as its own: never less, and not of most.
    assert min(taken_ns) >= 30_000_000
    assert median(taken_ns) == pytest.approx(30_000_000, rel=0.03)


@pytest.mark.celery_cpu(calls=1_001)
def test_calls_are_kept(celery_perf: CeleryPerf) -> None:
    celery_perf.run(call, (1_000,), times=2)


@pytest.mark.celery_memory(peak="1MiB")
def test_peak() -> None:
    add.delay(1, 2)


@pytest.mark.celery_memory(added="40MiB")
def test_added(celery_perf: CeleryPerf) -> None:
    celery_perf.run(hoard, (50 * MIB,), times=2)


@pytest.mark.celery_memory(added="5MiB", warmup=1)
@pytest.mark.celery_worker(pool="solo")
def test_leak(celery_perf: CeleryPerf) -> None:
    celery_perf.run(seep, (10 * MIB, 0), times=3)


@pytest.mark.celery_memory(added="40MiB", warmup=1)
def test_only_warm_up() -> None:
    add.delay(1, 2)


@pytest.mark.parametrize(
    "pool", [pytest.param("prefork", marks=ONE_PREFORK), pytest.param("threads", marks=ONE_THREAD)]
)
@pytest.mark.celery_memory(growth="100MiB")
def test_growth(celery_perf: CeleryPerf, pool: str) -> None:
    celery_perf.run(seep, (MIB, 0.02), times=40, concurrency=1)


@pytest.mark.celery_memory(growth="100MiB")
def test_growth_of_too_few() -> None:
    add.delay(1, 2)


@pytest.mark.celery_cpu(max="1ms")
def test_cpu() -> None:
    burn.delay(0.05)


@pytest.mark.celery_cpu(p95="1min")
def test_not_enough_samples() -> None:
    burn.delay(0)


@pytest.mark.celery_cpu(share="1%")
def test_share() -> None:
    burn.delay(0.05)


@pytest.mark.celery_cpu(max="1ms")
@pytest.mark.celery_worker(pool="solo")
def test_commands() -> None:
    delegate.delay(0.03)


@pytest.mark.celery_cpu(max="1min")
def test_only_made_to_fail(celery_perf: CeleryPerf) -> None:
    celery_perf.fail(fragile)
    fragile.delay()


@pytest.mark.celery_cpu(calls=1_000)
def test_calls(celery_perf: CeleryPerf) -> None:
    celery_perf.run(call, (1_000,), times=2)


@pytest.mark.celery_memory(added="40MiB")
@pytest.mark.celery_worker(pool="threads", concurrency=2)
def test_memory_on_threads() -> None:
    hoard.delay(MIB)


@pytest.mark.celery_memory(added="40MiB")
@pytest.mark.celery_cpu(calls=1_000)
@pytest.mark.celery_worker(pool="gevent", concurrency=2)
def test_calls_on_gevent() -> None:
    hoard.delay(MIB)
