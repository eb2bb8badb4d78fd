"""What goes wrong around a task: limits that strike, requests that fail, others in between.

Each fault strikes at a moment that the task's own records tell, so that each run of these tests is the same.
"""

from __future__ import annotations

from typing import Any

import pytest
from django.db import transaction
from django.test import Client  # noqa: TC002 - like the other types of fixtures

from fakes.ai_server import AIServer
from judge.models import Problem, ScriptGenerationJob, SearchHistory
from judge.tasks import execute_code_task
from pytest_celery_perf import CeleryFaults, CeleryPerf

one_worker = pytest.mark.celery_worker(name="execution", queues="execution", concurrency=2)


@one_worker
@pytest.mark.celery_fault(kind="time_limit")
@pytest.mark.celery_reliable(declared_failures=["TimeLimitExceeded"])
def test_a_submission_that_hangs(submission: dict[str, Any]) -> None:
    """Killed at its time limit, it is given up: it would hang again, and block a process for another half hour."""
    execute_code_task.delay(**submission)


@one_worker
@pytest.mark.celery_fault(kind="soft_time_limit")
@pytest.mark.celery_retries(attempts=1, final="failed")
@pytest.mark.celery_reliable(declared_failures=["SoftTimeLimitExceeded"])
def test_a_submission_that_takes_too_long(submission: dict[str, Any]) -> None:
    """Told so two minutes before, it fails by itself, and is not tried again."""
    execute_code_task.delay(**submission)


@one_worker
@pytest.mark.celery_reliable
def test_two_submissions_at_the_same_time(
    celery_perf: CeleryPerf, celery_faults: CeleryFaults, submission: dict[str, Any], problem: Problem
) -> None:
    """The first has read its problem when the second comes, and overtakes it: both are counted."""
    with celery_faults.hold(execute_code_task, at="query:2") as first:
        execute_code_task.delay(**submission)
        first.wait()
        execute_code_task.delay(**submission)
        celery_faults.when("ended", execute_code_task)
    celery_perf.wait()

    problem.refresh_from_db()
    assert (SearchHistory.objects.count(), problem.metadata) == (2, {"submissions": 2})


@one_worker
@pytest.mark.celery_reliable(max_executions=2, overlap=True)
def test_a_submission_in_two_places(
    celery_perf: CeleryPerf, celery_faults: CeleryFaults, submission: dict[str, Any], problem: Problem
) -> None:
    """It runs when its visibility timeout passes, and is overtaken by its second delivery: saved and counted once."""
    with celery_faults.hold(execute_code_task, at="query:2") as held:
        execute_code_task.delay(**submission)
        held.wait()
        celery_faults.redeliver()
        celery_faults.when("ended", execute_code_task)
    celery_perf.wait()

    problem.refresh_from_db()
    assert (SearchHistory.objects.count(), problem.metadata) == (1, {"submissions": 1})


@pytest.mark.celery_worker(name="generation", queues="generation", concurrency=1)
@pytest.mark.celery_reliable
def test_a_request_that_is_rolled_back(celery_perf: CeleryPerf, client: Client, problem: Problem, ai: AIServer) -> None:
    """What was never committed is not worked on; what was is found."""
    url = f"/problems/{problem.pk}/script"
    client.post(url)
    with transaction.atomic():
        client.post(url)
        transaction.set_rollback(True)
    celery_perf.wait()

    assert [job.status for job in ScriptGenerationJob.objects.all()] == ["completed"]
