"""The markers of rates on good and on bad code; each test is expected by name in test_rates.py."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from office import add, burn, fragile, relaxed, stand, urgent

from pytest_celery_perf import CeleryFaults, CeleryPerf

ONE_AT_A_TIME = pytest.mark.celery_worker(concurrency=1, prefetch=1, queues=["celery", "side"])
"""A worker for both queues, with one slot."""
APART = (
    pytest.mark.celery_worker(name="first", concurrency=1, prefetch=1, queues="celery"),
    pytest.mark.celery_worker(name="second", concurrency=1, prefetch=1, queues="side"),
)


# -- throughput and share ---------------------------------------------------------------------------------------------


@pytest.mark.celery_throughput(min="1/h", drain="1h")
@pytest.mark.celery_throughput(task=add, concurrency=1)
@pytest.mark.celery_share(within="1h")
def test_everything_is_kept(celery_perf: CeleryPerf) -> None:
    celery_perf.run(add, (1, 2), times=5)


@pytest.mark.celery_throughput(min="1000000/s", drain="1ns")
@pytest.mark.celery_worker(concurrency=1)
def test_slow(celery_perf: CeleryPerf) -> None:
    celery_perf.run(burn, (0.05,), times=10)


@pytest.mark.celery_throughput(concurrency=2)
@pytest.mark.celery_worker(concurrency=1)
def test_too_few_slots(celery_perf: CeleryPerf) -> None:
    celery_perf.run(burn, (0.05,), times=4)


@pytest.mark.celery_throughput(min="1/h", concurrency=3)
@pytest.mark.celery_worker(pool="threads", concurrency=4)
def test_side_by_side(tmp_path: Path) -> None:
    gates = [tmp_path / f"gate{number}" for number in range(3)]
    for gate in gates:
        os.mkfifo(gate)
        stand.delay(str(gate))
    opened = [os.open(gate, os.O_WRONLY) for gate in gates]  # returns when all have begun to read
    for each in opened:
        os.close(each)


@pytest.mark.celery_share(within="1ns", min="50%")
def test_late(celery_perf: CeleryPerf) -> None:
    celery_perf.run(add, (1, 2), times=4)


@pytest.mark.celery_share(within="1h", min=0.8)
def test_failures_are_late(celery_perf: CeleryPerf) -> None:
    celery_perf.run(fragile, times=3)
    celery_perf.run(fragile, (True,))


# -- isolation --------------------------------------------------------------------------------------------------------


@APART[0]
@APART[1]
@pytest.mark.celery_isolation(flood=relaxed, victim="office.urgent", wait="1h")
@pytest.mark.celery_isolation(flood="celery", victim="side")
def test_apart(tmp_path: Path) -> None:
    def publish() -> None:
        _flood()
        urgent.apply_async(queue="side")

    _behind_a_gate(tmp_path, publish)


@ONE_AT_A_TIME
@pytest.mark.celery_isolation(flood=relaxed, victim=urgent)
def test_one_worker_for_both_queues(tmp_path: Path) -> None:
    _behind_a_gate(tmp_path, lambda: (_flood(), urgent.apply_async(queue="side", priority=9)))


@ONE_AT_A_TIME
@pytest.mark.celery_isolation(flood=relaxed, victim=urgent)
def test_one_queue_for_both(tmp_path: Path) -> None:
    _behind_a_gate(tmp_path, lambda: (_flood(), urgent.apply_async(priority=9)))


@ONE_AT_A_TIME
@pytest.mark.celery_isolation(flood=relaxed, victim=urgent, behind=1)
def test_first_by_its_priority(tmp_path: Path) -> None:
    """Priority 3 is served before 7; one of the flood is in the worker's memory by then."""
    _behind_a_gate(tmp_path, lambda: (_flood(), urgent.delay()))


@pytest.mark.celery_worker(name="hoarder", concurrency=1, prefetch=8)
@pytest.mark.celery_isolation(flood=relaxed, victim=urgent)
def test_prefetched(celery_faults: CeleryFaults, tmp_path: Path) -> None:
    """The worker takes all that it can hold: what is published then cannot overtake, whatever its priority."""

    def publish() -> None:
        _flood()
        urgent.apply_async(priority=9)
        celery_faults.when("received", urgent)

    _behind_a_gate(tmp_path, publish)


@ONE_AT_A_TIME
@pytest.mark.celery_isolation(flood=relaxed, victim=urgent, factor=1000000)
def test_too_few_without_the_flood(tmp_path: Path) -> None:
    _behind_a_gate(tmp_path, lambda: (_flood(), urgent.delay()))


@ONE_AT_A_TIME
@pytest.mark.celery_isolation(flood=stand, victim=urgent, factor=1)
@pytest.mark.celery_isolation(flood=stand, victim=urgent, wait="1ns")
def test_longer_than_without_the_flood(celery_perf: CeleryPerf, tmp_path: Path) -> None:
    celery_perf.run(urgent, times=5, concurrency=1)

    def publish() -> None:
        stand.delay(os.devnull)
        for _ in range(5):
            urgent.delay()
        burn(1.0)

    _behind_a_gate(tmp_path, publish)


@pytest.mark.celery_isolation(flood=relaxed, victim=urgent)
def test_no_backlog(celery_perf: CeleryPerf) -> None:
    celery_perf.run(relaxed)
    celery_perf.run(urgent)


@pytest.mark.celery_isolation(flood=relaxed, victim="mail")
def test_no_victim() -> None:
    relaxed.delay()


def _flood() -> None:
    for _ in range(6):
        relaxed.delay()


def _behind_a_gate(folder: Path, publish: Callable[[], object]) -> None:
    """Publish while a task keeps the slot of the worker for the queue ``celery`` busy."""
    gate = folder / "gate"
    os.mkfifo(gate)
    stand.delay(str(gate))
    opened = os.open(gate, os.O_WRONLY)  # returns when the task has begun to read
    publish()
    os.close(opened)
