"""The connections to the broker break; what becomes of each task is told in test_connections.py."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import celery
import pytest
from acts import CANCELLING, await_listener, peers
from mill import hasty, late

from pytest_celery_perf.errors import UnfinishedTasksError
from pytest_celery_perf.measure.outcomes import TaskClass, classify

reliable = pytest.mark.celery_reliable(max_executions=1)
networked = pytest.mark.celery_worker(concurrency=2, prefetch=1, network=True)
LONG_S = 30
AGAIN = "started" if celery.VERSION >= (5, 7) else "received"
"""What happens to a second delivery while the first one runs. Before 5.7 it then waits behind that one."""
WATCHFUL = {"socket_timeout": 2, "health_check_interval": 2}
CANARIES = 4


@reliable
@pytest.mark.celery_worker(concurrency=2, prefetch=1)
def test_killed_by_the_broker(celery_faults, tmp_path: Path) -> None:
    late.delay(str(tmp_path / "gate"))
    celery_faults.when("started")
    celery_faults.broker.drop_connections()
    celery_faults.when(AGAIN, nth=2)
    (tmp_path / "gate").touch()


@reliable
@networked
def test_reset(celery_faults, tmp_path: Path) -> None:
    late.delay(str(tmp_path / "gate"))
    celery_faults.when("started")
    celery_faults.network.reset()
    celery_faults.when(AGAIN, nth=2)
    (tmp_path / "gate").touch()


@reliable
@peers(network=True)
def test_reset_beside_a_peer(celery_faults, tmp_path: Path) -> None:
    late.delay(str(tmp_path / "gate"))
    running = celery_faults.when("started")
    celery_faults.network.reset(worker=running.worker.partition("@")[0])
    celery_faults.when("started", nth=2)
    (tmp_path / "gate").touch()


@pytest.mark.celery_reliable(max_executions=2)
@pytest.mark.celery_worker(concurrency=2, prefetch=1, network=True, config=CANCELLING)
def test_reset_and_cancelled(celery_faults) -> None:
    hasty.delay(LONG_S)
    celery_faults.when("started")
    celery_faults.network.reset()


@reliable
@networked
def test_published_after_a_reset(celery_faults) -> None:
    late.delay()
    celery_faults.when("acknowledged")
    celery_faults.network.reset()
    late.delay()


@reliable
@pytest.mark.celery_worker(concurrency=2, prefetch=1, network=True, env={"MILL_LISTENS_LONG": "1"})
def test_published_after_a_reset_that_the_broker_does_not_see(celery_perf, celery_faults) -> None:
    late.delay()
    celery_faults.when("acknowledged")
    await_listener(celery_perf)
    celery_faults.network.half_open(unaware="server")
    late.delay()


@networked
def test_half_open(celery_perf, celery_faults) -> None:
    late.delay()
    celery_faults.when("acknowledged")
    with celery_faults.network.half_open():
        late.delay()
        with pytest.raises(UnfinishedTasksError):
            celery_perf.wait(timeout=5)
        assert [each.task_class for each in classify(celery_perf.history)] == [TaskClass.COMPLETED, TaskClass.STRANDED]


@pytest.mark.celery_worker(concurrency=2, prefetch=1, network=True, config={"broker_transport_options": WATCHFUL})
def test_half_open_and_watchful(celery_faults) -> None:
    late.delay()
    celery_faults.when("acknowledged")
    with celery_faults.network.half_open():
        for _ in range(CANARIES):
            late.delay()
            with suppress(UnfinishedTasksError):
                celery_faults.when("acknowledged", nth=2, timeout=10)
                break
