"""The broker dies and comes back; what becomes of each task is told in test_broker.py."""

from __future__ import annotations

from pathlib import Path

import celery
import pytest
from acts import CANCELLING, await_end, await_line
from mill import late

one_slot = pytest.mark.celery_worker(concurrency=1, prefetch=1)
reliable = pytest.mark.celery_reliable(max_executions=1)


@reliable
@one_slot
def test_without_its_data(celery_faults, tmp_path: Path) -> None:
    _outlive_the_broker(celery_faults, tmp_path / "gate", tasks=4, keep_data=False)


@reliable
@one_slot
def test_with_its_data(celery_faults, tmp_path: Path) -> None:
    _outlive_the_broker(celery_faults, tmp_path / "gate", tasks=4)


@pytest.mark.celery_reliable(max_executions=2)
@pytest.mark.celery_worker(concurrency=2, prefetch=1)
def test_with_its_data_and_a_free_slot(celery_faults, tmp_path: Path) -> None:
    _outlive_the_broker(celery_faults, tmp_path / "gate", tasks=1)


@reliable
@pytest.mark.celery_worker(concurrency=1, prefetch=1, config=CANCELLING)
def test_cancelling_what_runs(celery_perf, celery_faults, tmp_path: Path) -> None:
    dies = celery.VERSION < (5, 7)
    late.delay(str(tmp_path / "gate"))
    celery_faults.when("started")
    with celery_faults.broker.kill():
        worker = celery_perf.workers[0]
        await_end(worker) if dies else await_line(worker, "Trying again in")
    if dies:
        celery_faults.when("started", nth=2)
        (tmp_path / "gate").touch()
    else:
        celery_faults.when("acknowledged")


def _outlive_the_broker(celery_faults, gate: Path, *, tasks: int, keep_data: bool = True) -> None:
    for _ in range(tasks):
        late.delay(str(gate))
    celery_faults.when("started")
    celery_faults.broker.kill(keep_data=keep_data).heal()
    gate.touch()
