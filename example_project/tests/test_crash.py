"""Checklist "crash": ``kill -9`` while a task is processed; it is requeued, nothing is lost or done twice.

The plugin kills at a named point of the task, in the worker that holds it. After the death of a whole worker Redis
delivers again only when the visibility timeout (an hour) has passed; the test brings that moment forward and reports
what production would wait.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from fakes.ai_server import AIServer
from judge.models import Problem, ScriptGenerationJob, SearchHistory, TestCase
from judge.tasks import delete_job_task, execute_code_task, generate_hints_task, generate_script_task
from pytest_celery_perf import CeleryPerf

Publish = Callable[[], None]


@pytest.fixture
def publish(submission: dict[str, Any], job: ScriptGenerationJob, history: SearchHistory, ai: AIServer) -> Publish:
    """Return a function that publishes a task into each of the four queues."""
    other = ScriptGenerationJob.objects.create(title="not wanted any more")

    def publish() -> None:
        execute_code_task.delay(**submission)
        generate_script_task.delay(job.pk)
        generate_hints_task.delay(history.pk)
        delete_job_task.delay(other.pk)

    return publish


@pytest.mark.claim("A.crashes")
@pytest.mark.celery_recovery(task=execute_code_task, kill="child", at="started", max_executions=2, within="30s")
@pytest.mark.celery_recovery(task=generate_script_task, kill="child", at="started", max_executions=2, within="30s")
@pytest.mark.celery_recovery(task=generate_hints_task, kill="child", at="started", max_executions=2, within="30s")
@pytest.mark.celery_recovery(task=delete_job_task, kill="child", at="started", max_executions=2, within="30s")
def test_a_killed_process(publish: Publish) -> None:
    """``kill -9`` of a pool process of each worker: another one runs the task."""
    publish()


@pytest.mark.claim("A.crashes", "B.kill")
@pytest.mark.celery_recovery(task=execute_code_task, kill="worker", at="started", max_executions=2, within="30s")
@pytest.mark.celery_recovery(task=generate_script_task, kill="worker", at="started", max_executions=2, within="30s")
@pytest.mark.celery_recovery(task=generate_hints_task, kill="worker", at="started", max_executions=2, within="30s")
@pytest.mark.celery_recovery(task=delete_job_task, kill="worker", at="started", max_executions=2, within="30s")
def test_a_killed_worker(publish: Publish) -> None:
    """``kill -9`` of each worker, start another: the task is delivered to it."""
    publish()


@pytest.mark.celery_recovery(kill="worker", at="received", max_executions=1)
def test_a_worker_killed_before_it_began(submission: dict[str, Any]) -> None:
    """``kill -9`` of a worker that only held the message: the task runs once, elsewhere."""
    execute_code_task.delay(**submission)


@pytest.mark.celery_recovery(kill="worker", at="query:4", max_executions=2)
def test_half_a_submission_is_no_submission(
    celery_perf: CeleryPerf, submission: dict[str, Any], problem: Problem
) -> None:
    """Killed between the two writes: the first one is undone, and both are done once."""
    celery_perf.run(execute_code_task, kwargs=submission)

    problem.refresh_from_db()
    assert (SearchHistory.objects.count(), problem.metadata) == (1, {"submissions": 1})


@pytest.mark.celery_recovery(kill="worker", at="finished", max_executions=2)
def test_a_submission_is_not_counted_twice(
    celery_perf: CeleryPerf, submission: dict[str, Any], problem: Problem
) -> None:
    """Killed after its work and before the acknowledgment: run twice, saved once."""
    celery_perf.run(execute_code_task, kwargs=submission)

    problem.refresh_from_db()
    assert (SearchHistory.objects.count(), problem.metadata) == (1, {"submissions": 1})


@pytest.mark.celery_recovery(kill="worker", at="query:2", max_executions=2)
def test_a_claimed_job_is_not_orphaned(celery_perf: CeleryPerf, job: ScriptGenerationJob, ai: AIServer) -> None:
    """Killed after it claimed its job: the same task, delivered again, takes the job back."""
    celery_perf.run(generate_script_task, args=(job.pk,))

    job.refresh_from_db()
    assert (job.status, TestCase.objects.count()) == ("completed", 20)
