"""Somebody waits for results; what becomes of each task is told in test_results.py."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest
from celery import chord
from celery.exceptions import TimeoutError as NoResultError
from mill import early, late, safe, total

SOON_S = 2.0
PATIENCE_S = 60.0
reliable = pytest.mark.celery_reliable(max_executions=2)
two_slots = pytest.mark.celery_worker(concurrency=2, prefetch=1)


@reliable
@two_slots
def test_of_what_died_with_its_worker(celery_perf, celery_faults, tmp_path: Path) -> None:
    result = early.delay(str(tmp_path / "gate"))
    celery_faults.when("acknowledged")
    celery_faults.kill_worker()
    celery_perf.wait()
    _never_comes(result)


@pytest.mark.celery_worker(concurrency=1, network=True)
def test_while_the_backend_is_away(celery_faults) -> None:
    assert late.delay().get(timeout=PATIENCE_S) is None
    result = late.delay()
    celery_faults.when("ended", late, nth=2)
    with celery_faults.network.black_hole(link="results"):
        waiting = threading.Thread(target=lambda: result.get(timeout=SOON_S))
        waiting.start()
        waiting.join(3 * SOON_S)
        assert waiting.is_alive()
    waiting.join()


@reliable
@two_slots
@pytest.mark.parametrize("task", [late, safe], ids=lambda task: task.__name__)
def test_chord_and_a_dead_child(celery_perf, celery_faults, tmp_path: Path, task: Any) -> None:
    body = chord([task.s(str(tmp_path / "gate")), early.s()])(total.s())
    celery_faults.kill_child(celery_faults.when("started", task))
    (tmp_path / "gate").touch()
    celery_perf.wait()
    body.get(timeout=PATIENCE_S, propagate=False)
    assert body.state == ("SUCCESS" if task is safe else "FAILURE")


@reliable
@two_slots
def test_chord_and_a_dead_worker(celery_perf, celery_faults, tmp_path: Path) -> None:
    body = chord([early.s(str(tmp_path / "gate")), early.s()])(total.s())
    celery_faults.when("ended")
    celery_faults.when("acknowledged", nth=2)
    celery_faults.kill_worker()
    celery_perf.wait()
    _never_comes(body)


def _never_comes(result) -> None:
    """Wait in vain, which without a timeout would be for ever."""
    with pytest.raises(NoResultError):
        result.get(timeout=SOON_S)
    assert result.state == "PENDING"
