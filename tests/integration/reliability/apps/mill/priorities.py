"""Tasks of several priorities wait; in which order they begin is told in test_priorities.py."""

from __future__ import annotations

from pathlib import Path

import pytest
from acts import peers
from mill import late

PRIORITIES = (9, 0, 6, 3)


@pytest.mark.celery_worker(concurrency=1, prefetch=1)
def test_in_the_queue(celery_faults, tmp_path: Path) -> None:
    _keep_busy(celery_faults, tmp_path / "gate")
    for priority in PRIORITIES:
        late.apply_async(priority=priority)
    (tmp_path / "gate").touch()


@pytest.mark.celery_worker(concurrency=1, prefetch=3)
def test_prefetched(celery_faults, tmp_path: Path) -> None:
    _keep_busy(celery_faults, tmp_path / "gate")
    late.apply_async(priority=9)
    celery_faults.when("received", late)
    late.apply_async(priority=0)
    celery_faults.when("received", late, nth=2)
    (tmp_path / "gate").touch()


@peers(prefetch=2)
def test_beside_an_idle_peer(celery_perf, celery_faults, tmp_path: Path) -> None:
    gates = {late.delay(str(tmp_path / str(number))).id: tmp_path / str(number) for number in range(4)}
    celery_faults.when("received", nth=4)
    peer = celery_faults.when("started").worker
    for each in celery_perf.history.executions:
        if each.worker == peer:
            gates[each.task_id].touch()
    celery_faults.when("ended", nth=2)
    for gate in gates.values():
        gate.touch()


def _keep_busy(celery_faults, gate: Path) -> None:
    """Have the only slot taken, so that what is published next waits."""
    late.apply_async((str(gate),), priority=0)
    celery_faults.when("started")
    celery_faults.when("received")
