"""What is delivered or published twice is done once."""

from __future__ import annotations

from typing import Any

import pytest

from fakes.ai_server import AIServer
from judge.models import ScriptGenerationJob
from judge.tasks import delete_job_task, execute_code_task, generate_script_task

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.celery_idempotent(task=generate_script_task, ids="new", outbound=1)
def test_a_job_that_is_published_twice(job: ScriptGenerationJob, ai: AIServer) -> None:
    """Generate script: whenever a second task for the same job comes, one of them asks the AI service."""
    generate_script_task.delay(job.pk)


@pytest.mark.celery_idempotent(task=generate_script_task)
def test_a_job_that_is_delivered_twice(job: ScriptGenerationJob, ai: AIServer) -> None:
    """Generate script: the same message takes its job back, and saves it once."""
    generate_script_task.delay(job.pk)


@pytest.mark.celery_idempotent(task=execute_code_task)
def test_a_submission_that_is_delivered_twice(submission: dict[str, Any]) -> None:
    """Execute code: the user's submissions are counted once."""
    execute_code_task.delay(**submission)


@pytest.mark.celery_idempotent(task=delete_job_task, at_once=False)
def test_a_deletion_that_is_delivered_twice(job: ScriptGenerationJob) -> None:
    """Delete: what is gone already is no error."""
    delete_job_task.delay(job.pk)
