"""Tasks that do not finish; each test is expected by name in test_diagnosis.py."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from office import add, app, die, misrouted, stand

from pytest_celery_perf import CeleryFaults, CeleryPerf

FRESH = pytest.mark.celery_worker(name="fresh", concurrency=1, prefetch=4)


def test_no_worker_consumes_the_queue(celery_perf: CeleryPerf) -> None:
    misrouted.delay()


@pytest.mark.celery_worker(name="mortal", concurrency=1)
def test_the_worker_died(celery_perf: CeleryPerf) -> None:
    die.delay()
    celery_perf.wait(timeout="1min")  # it ends when nobody is left who could finish anything


def test_not_registered(celery_perf: CeleryPerf) -> None:
    app.send_task("office.ad", (1, 2))


def test_waits_for_its_eta(celery_faults: CeleryFaults) -> None:
    add.apply_async((1, 2), countdown=2990)
    celery_faults.when("received", add, timeout="1min")


@FRESH
def test_prefetched_behind_others(celery_faults: CeleryFaults, tmp_path: Path) -> None:
    _stand(tmp_path)
    add.delay(1, 2)
    celery_faults.when("received", add, timeout="1min")


@FRESH
def test_runs_still(celery_perf: CeleryPerf, tmp_path: Path) -> None:
    _stand(tmp_path)


@pytest.mark.celery_worker(name="narrow", concurrency=1, prefetch=1, pool="solo")
def test_still_in_the_queue(celery_perf: CeleryPerf, tmp_path: Path) -> None:
    _stand(tmp_path)
    for _ in range(3):
        add.delay(1, 2)


@pytest.mark.celery_worker(name="busy", concurrency=1, prefetch=1, pool="solo")
def test_held_unacknowledged(celery_perf: CeleryPerf, tmp_path: Path) -> None:
    _stand(tmp_path)
    add.delay(1, 2)
    with app.connection_for_read() as connection:
        # Somebody takes it, and neither does nor acknowledges it.
        assert connection.channel().basic_get("celery", no_ack=False)
        celery_perf.wait(timeout=1)


def test_run_tells_it_too(celery_perf: CeleryPerf) -> None:
    celery_perf.run(misrouted, timeout="200ms")


@pytest.mark.celery_throughput(min="1/h")
def test_a_throughput_of_nothing() -> None:
    misrouted.delay()


@pytest.mark.celery_latency(max="1min")
def test_a_latency_of_nothing() -> None:
    misrouted.delay()


@pytest.mark.celery_latency(max="1min")
def test_nothing_published() -> None:
    add(1, 2)


@pytest.mark.celery_latency(max="1min")
def test_ran_in_the_test_itself() -> None:
    add.apply((1, 2))


def _stand(folder: Path) -> None:
    """Have a task run that ends only with this process, which keeps open for writing what it reads."""
    gate = folder / "gate"
    os.mkfifo(gate)
    stand.delay(str(gate))
    os.open(gate, os.O_WRONLY)  # returns when the task has begun to read
