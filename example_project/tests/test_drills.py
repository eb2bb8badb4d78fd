"""Emergencies: what is submitted while workers are replaced, the broker restarts or the network parts, is judged once.

Each drill strikes while a submission is being run. Whatever the workers do then, one submission is one row.
"""

from __future__ import annotations

from typing import Any

import pytest

from judge.models import SearchHistory
from judge.tasks import delete_job_task, execute_code_task
from pytest_celery_perf import CeleryPerf

one_worker = pytest.mark.celery_worker(name="execution", queues="execution", concurrency=2)


@one_worker
@pytest.mark.celery_drill("deploy", grace="30s")
@pytest.mark.celery_drill("broker_restart", outage="0.5s")
@pytest.mark.celery_drill("network_partition", outage="0.5s", overlap=True)
@pytest.mark.celery_drill("worker_oom", within="30s")
@pytest.mark.celery_drill("long_task")
def test_a_submission_is_judged_once(celery_perf: CeleryPerf, submission: dict[str, Any]) -> None:
    """It may run twice, since it saves once: the time limit of half an hour keeps it below the visibility timeout."""
    celery_perf.run(execute_code_task, kwargs=submission)

    assert SearchHistory.objects.count() == 1


@one_worker
@pytest.mark.celery_drill("eta_beyond_visibility")
def test_a_submission_is_never_postponed_for_too_long(submission: dict[str, Any]) -> None:
    """Ten minutes is the longest countdown here, and Redis delivers again after an hour."""
    execute_code_task.apply_async(kwargs=submission, countdown=600)


@pytest.mark.xfail(reason="Celery puts the task of a dead child back for ever: ReliableTask sets no bound", strict=True)
@pytest.mark.celery_worker(name="maintenance", queues="maintenance", concurrency=1)
@pytest.mark.celery_drill("poison_pill")
@pytest.mark.django_db(transaction=True)
def test_a_task_that_kills_its_worker_is_given_up() -> None:
    """What is not true of these tasks: ``reject_on_worker_lost`` without ``retry_on_worker_lost``."""
    delete_job_task.delay(0)


@one_worker
@pytest.mark.celery_drill
def test_submissions_survive_any_drill(celery_perf: CeleryPerf, submission: dict[str, Any]) -> None:
    """For ``--celery-perf-drill=deploy,worker_oom``; without it, nothing goes wrong."""
    celery_perf.run(execute_code_task, kwargs=submission, times=5)

    assert SearchHistory.objects.count() == 5
