"""Tasks are revoked, or expire; what becomes of each is told in test_revocations.py."""

from __future__ import annotations

from pathlib import Path

import pytest
from acts import PATIENCE_S, await_expiry, peers
from mill import app, early, late

from pytest_celery_perf.errors import UnfinishedTasksError

reliable = pytest.mark.celery_reliable(max_executions=2)
EXPIRES_S = 3.0
one_slot = pytest.mark.celery_worker(concurrency=1, prefetch=1)


@reliable
@one_slot
def test_before_it_begins(celery_faults, tmp_path: Path) -> None:
    _revoke_behind_another(celery_faults, tmp_path / "gate")
    (tmp_path / "gate").touch()


@reliable
@one_slot
def test_while_it_runs(celery_faults, tmp_path: Path) -> None:
    running = late.delay(str(tmp_path / "gate"))
    celery_faults.when("started")
    _revoke(running, terminate=True)


@one_slot
def test_forgotten_with_its_worker(celery_faults, tmp_path: Path) -> None:
    _revoke_behind_another(celery_faults, tmp_path / "gate")
    celery_faults.kill_worker()


@reliable
@one_slot
def test_expired_when_it_comes_again(celery_perf, celery_faults) -> None:
    with celery_faults.hold(late) as held:
        _let_it_expire(celery_perf, held)
        celery_faults.kill_worker()


@reliable
@peers()
def test_expired_while_it_runs(celery_perf, celery_faults) -> None:
    with celery_faults.hold(late) as held:
        celery_faults.redeliver(_let_it_expire(celery_perf, held))
        await_expiry(celery_perf)


def _revoke_behind_another(celery_faults, gate: Path) -> None:
    """Revoke a task that waits until another one has ended."""
    early.delay(str(gate))
    celery_faults.when("started")
    _revoke(late.delay())


def _revoke(result, **options) -> None:
    """Tell the only worker, and wait until it knows."""
    arguments = {"task_id": result.id, **options}
    assert app.control.broadcast("revoke", arguments=arguments, reply=True, limit=1, timeout=PATIENCE_S)


def _let_it_expire(celery_perf, held):
    """Have a task begin in time, and its message expire meanwhile."""
    late.apply_async(expires=EXPIRES_S)
    execution = held.wait()
    with pytest.raises(UnfinishedTasksError):
        celery_perf.wait(timeout=EXPIRES_S)
    return execution
