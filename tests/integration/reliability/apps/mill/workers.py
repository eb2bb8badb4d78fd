"""A whole worker dies; what becomes of each task is told in test_workers.py.

``worker.kill()`` is a death of which the plugin knows nothing: nobody starts another worker, nobody brings
the visibility timeout forward. What ``celery_faults`` kills is rescued.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from acts import holder, looks_often, peers, redis
from mill import early, late, safe

OFTEN = {"unacked_restore_interval": 1, "unacked_restore_throttle": 1}
"""Have workers look for messages whose visibility timeout has passed every second, not every hundred."""
BACKLOG = 8


@pytest.mark.celery_reliable(max_executions=2)
@peers()
def test_late_and_an_idle_peer(celery_perf, celery_faults) -> None:
    with celery_faults.hold(late) as held:
        late.delay()
        holder(celery_perf, held.wait()).kill()
    celery_perf.wait(timeout=3)


@peers()
def test_late_and_a_restored_message(celery_perf, celery_faults) -> None:
    with celery_faults.hold(late) as held:
        late.delay()
        celery_faults.kill_worker(held.wait(), restart=False)


@pytest.mark.celery_reliable(max_executions=2)
@pytest.mark.celery_worker(concurrency=2, prefetch=4)
def test_early_with_a_backlog(celery_perf, celery_faults, tmp_path: Path) -> None:
    for _ in range(BACKLOG):
        early.delay(str(tmp_path / "gate"))
    celery_faults.when("received", nth=BACKLOG)
    celery_faults.when("acknowledged", nth=2)
    celery_perf.workers[0].kill()
    (tmp_path / "gate").touch()
    celery_perf.wait()


@pytest.mark.celery_reliable(max_executions=2)
@pytest.mark.celery_worker(concurrency=2, prefetch=4)
def test_early_with_a_restored_backlog(celery_faults, tmp_path: Path) -> None:
    for _ in range(BACKLOG):
        early.delay(str(tmp_path / "gate"))
    celery_faults.when("received", nth=BACKLOG)
    celery_faults.when("acknowledged", nth=2)
    celery_faults.kill_worker()
    (tmp_path / "gate").touch()


@pytest.mark.celery_worker(pool="solo")
@pytest.mark.celery_recovery(kill="worker", at="started", max_executions=1)
def test_early_on_solo() -> None:
    early.delay()


@peers()
def test_scores_rewritten(celery_perf, celery_faults) -> None:
    _rewrite_scores(celery_perf, celery_faults)
    celery_perf.wait(timeout=4)


@looks_often
@peers(config={"broker_transport_options": OFTEN})
def test_scores_rewritten_where_workers_look_often(celery_perf, celery_faults) -> None:
    _rewrite_scores(celery_perf, celery_faults)


def _rewrite_scores(celery_perf, celery_faults) -> None:
    with celery_faults.hold(late) as held:
        late.delay()
        execution = held.wait()
        holder(celery_perf, execution).kill()
        with redis(celery_perf) as broker:
            assert broker.zadd("unacked_index", {execution.tag: 0}, xx=True, ch=True) == 1


@pytest.mark.celery_reliable(max_executions=2)
@pytest.mark.celery_worker(concurrency=1, env={"MILL_DIES_BEFORE_NOTING": "1"})
def test_between_queue_and_unacked(celery_perf) -> None:
    late.delay()
    celery_perf.wait()


@pytest.mark.celery_recovery(kill="child", at="started")
@pytest.mark.celery_worker(concurrency=1, env={"MILL_HEARS_LATE": "1"})
def test_hears_late_of_a_child_that_dies() -> None:
    early.delay()


@pytest.mark.celery_worker(concurrency=1, prefetch=1)
@pytest.mark.parametrize("kill", ["kill_worker", "kill_child"])
def test_place_in_the_queue(celery_faults, tmp_path: Path, kill: str) -> None:
    for _ in range(3):
        safe.delay(str(tmp_path / "gate"))
    getattr(celery_faults, kill)(celery_faults.when("started"))
    (tmp_path / "gate").touch()
