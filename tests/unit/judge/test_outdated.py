"""An older Celery is named where a newer one would have done better, and nowhere else."""

from __future__ import annotations

import pytest

from pytest_celery_perf.judge.reliable import judge
from pytest_celery_perf.model.history import History
from pytest_celery_perf.model.spec import ReliableBudget
from tests.unit.histories import BOOT, again, at, crashed, execution, fault, history, worker

ONCE = ReliableBudget(max_executions=1)
LOST = fault("kill-broker", ms=3, task_id=None, pid=None, boot=None)
UNACKNOWLEDGED = execution(started_ns=at(2), ended_ns=at(8), acknowledged_ns=None)
DIED = fault("worker-died", ms=6, task_id=None, detail="exit status 1, redis.exceptions.ConnectionError: refused")


def advice(told: History) -> str:
    (verdict,) = judge(ONCE, told)
    return "\n".join(verdict.fix)


def test_a_prefork_worker_forgets_what_it_runs() -> None:
    told = history(UNACKNOWLEDGED, again(), faults=(LOST,), workers=(worker(celery="5.5.3"),))
    assert "a prefork worker of Celery 5.5.3 forgets what its children run" in advice(told)
    assert "upgrade to Celery 5.6" in advice(told)


@pytest.mark.parametrize(("acknowledged_ms", "named"), [(12, True), (None, True), (9, False)])
def test_a_gevent_worker_dawdles(acknowledged_ms: int | None, named: bool) -> None:
    acknowledged_ns = None if acknowledged_ms is None else at(acknowledged_ms)
    ended = execution(ended_ns=at(8), acknowledged_ns=acknowledged_ns, pool="gevent")
    later = fault("network-reset", ms=10, task_id=None, pid=None, boot=None)
    told = history(ended, again(pool="gevent"), faults=(later,), workers=(worker(celery="5.6.3"),))
    assert named == ("a gevent worker of Celery 5.6.3 acknowledges only once" in advice(told))


@pytest.mark.parametrize(
    "told",
    [
        history(UNACKNOWLEDGED, again(), faults=(LOST,), workers=(worker(celery="5.6.0"),)),
        history(UNACKNOWLEDGED, again(), faults=(LOST,), workers=(worker(celery="6.0.0b1"),)),
        history(UNACKNOWLEDGED, again(), faults=(LOST,), workers=(worker(),)),
        history(UNACKNOWLEDGED, again(), workers=(worker(celery="5.5.3"),)),
        history(
            execution(started_ns=at(2), ended_ns=at(8), acknowledged_ns=at(9)),
            again(),
            faults=(LOST,),
            workers=(worker(celery="5.5.3"),),
        ),
        history(
            execution(started_ns=at(2), ended_ns=at(8), acknowledged_ns=None, pool="threads"),
            again(),
            faults=(LOST,),
            workers=(worker(celery="5.5.3"),),
        ),
    ],
    ids=["newer", "much_newer", "untold", "no_loss", "acknowledged", "threads"],
)
def test_it_is_not_named_for_nothing(told: History) -> None:
    assert "upgrade to Celery" not in advice(told)


@pytest.mark.parametrize(("version", "named"), [("5.5.0", True), ("5.6.3", True), ("5.7.0", False)])
def test_a_worker_that_cannot_cancel(version: str, named: bool) -> None:
    told = history(crashed(), again(), faults=(LOST, DIED), workers=(worker(BOOT, celery=version),))
    words = f"a worker of Celery {version} ends if it cannot store that it cancels what runs"
    assert named == (words in advice(told))
