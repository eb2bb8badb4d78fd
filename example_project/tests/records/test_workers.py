"""The workers of the registry: they grow under load, run in any pool, and say why a task does not finish."""

from __future__ import annotations

import pytest

from claims.recording import Measured
from config.celery import app
from deployments import RECORDS, RECORDS_QUEUES
from fakes.mail_server import MailServer
from pytest_celery_perf import CeleryFaults, CeleryPerf, UnfinishedTasksError
from records.models import Record
from records.tasks.analytics import update_dashboard
from records.tasks.email import send_confirmation
from records.tasks.intake import process_record

MOST = 8


@pytest.mark.claim("E.autoscale")
@RECORDS
def test_a_worker_grows(
    celery_perf: CeleryPerf, celery_faults: CeleryFaults, transactional_db: None, measured: Measured
) -> None:
    """``--autoscale=8,2``: it begins with two processes, and sixteen tasks make it eight."""
    with celery_faults.hold(process_record, at="started", times=2 * MOST):
        for _ in range(2 * MOST):
            process_record.delay(0)
        celery_faults.when("started", process_record, nth=MOST)

    processes = {execution.pid for execution in celery_perf.wait().history.executions}
    assert len(processes) == MOST
    measured("E.autoscale", f"{len(processes)} processes ran {2 * MOST} tasks")


@pytest.mark.claim("E.pools")
@pytest.mark.parametrize(
    "pool",
    [
        pytest.param(pool, marks=pytest.mark.celery_worker(name=pool, queues=RECORDS_QUEUES, pool=pool, concurrency=2))
        for pool in ("prefork", "threads", "gevent")
    ]
    + [pytest.param("solo", marks=pytest.mark.celery_worker(name="solo", queues=RECORDS_QUEUES, pool="solo"))],
)
@pytest.mark.celery_reliable
def test_any_pool_does(pool: str, celery_perf: CeleryPerf, record: Record, mail: MailServer) -> None:
    """Processes where it computes, threads or greenlets where it waits, solo where somebody debugs."""
    run = celery_perf.run(process_record, args=(record.pk,))

    assert (run.succeeded, {execution.pool for execution in run.history.executions}) == (4, {pool})


@pytest.mark.claim("E.environment")
@pytest.mark.celery_worker(
    name="small",
    queues=RECORDS_QUEUES,
    concurrency=1,
    env={"RECORDS_TIME_LIMIT_S": "120", "RECORDS_SOFT_TIME_LIMIT_S": "100", "WORKER_PREFETCH": "1"},
)
def test_the_environment_decides(celery_perf: CeleryPerf, transactional_db: None, measured: Measured) -> None:
    """What the worker holds is what its environment says."""
    held = celery_perf.run(update_dashboard).history.tasks[update_dashboard.name]

    assert (held.time_limit_s, held.soft_time_limit_s) == (120, 100)
    measured("E.environment", f"a worker with limits of {held.time_limit_s:.0f} s and {held.soft_time_limit_s:.0f} s")


@pytest.mark.claim("E.diagnosis")
@pytest.mark.celery_worker(name="other", queues="default,reports", concurrency=1)
def test_a_task_that_does_not_finish_is_diagnosed(
    celery_perf: CeleryPerf, record: Record, mail: MailServer, measured: Measured
) -> None:
    """Nobody consumes its queue: the error says so, and what would help."""
    with pytest.raises(UnfinishedTasksError) as told:
        celery_perf.run(send_confirmation, args=(record.pk,), timeout="1s")
    app.control.add_consumer("email")

    assert 'No worker consumes the queue "email", where 1 task waits' in str(told.value)
    assert celery_perf.wait().succeeded == 1
    measured("E.diagnosis", str(told.value).splitlines()[2])
