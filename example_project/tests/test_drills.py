"""Emergencies: what is submitted while workers are replaced, the broker restarts or the network parts, is judged once.

Each drill strikes while a submission is being run. Whatever the workers do then, one submission is one row.
"""

from __future__ import annotations

from typing import Any

import celery
import pytest
from django.test import Client  # noqa: TC002 - like the other types of fixtures

from fakes.ai_server import AIServer
from judge.models import Problem, SearchHistory
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


@pytest.mark.celery_worker(name="execution", queues="execution", concurrency=1, prefetch=1)
@pytest.mark.celery_drill("broker_restart", outage="0.5s")
def test_a_submission_on_a_worker_that_is_full(submission: dict[str, Any]) -> None:
    """A worker without a free slot goes another way when it has lost its connection."""
    execute_code_task.delay(**submission)


@one_worker
@pytest.mark.celery_drill("eta_beyond_visibility")
def test_a_submission_is_never_postponed_for_too_long(submission: dict[str, Any]) -> None:
    """Ten minutes is the longest countdown here, and Redis delivers again after an hour."""
    execute_code_task.apply_async(kwargs=submission, countdown=600)


@pytest.mark.celery_worker(name="generation", queues="generation", concurrency=1)
@pytest.mark.celery_drill("eta_beyond_visibility")
def test_a_script_is_not_postponed_for_too_long(client: Client, problem: Problem, ai: AIServer) -> None:
    """What is to be done in hours is no message: a periodic task would find it when it is due."""
    client.post(f"/problems/{problem.pk}/script")


@pytest.mark.skipif(celery.VERSION < (5, 7), reason="before Celery 5.7 the task of a dead child is put back for ever")
@pytest.mark.celery_worker(name="maintenance", queues="maintenance", concurrency=1)
@pytest.mark.celery_drill("poison_pill")
@pytest.mark.django_db(transaction=True)
def test_a_task_that_kills_its_worker_is_given_up() -> None:
    """Each death of its process is one of its attempts, and it has four."""
    delete_job_task.delay(0)


@one_worker
@pytest.mark.celery_drill
def test_submissions_survive_any_drill(celery_perf: CeleryPerf, submission: dict[str, Any]) -> None:
    """For ``--celery-perf-drill=deploy,worker_oom``; without it, nothing goes wrong."""
    celery_perf.run(execute_code_task, kwargs=submission, times=5)

    assert SearchHistory.objects.count() == 5
