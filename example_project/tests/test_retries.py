"""Checklist "errors": a temporary failure is tried again, later and later, but never later than ten minutes.

What a task asks for is judged, not waited for: the plugin compresses the countdowns in the worker, so that
the half hour of an outage passes in seconds.
"""

from __future__ import annotations

from typing import Any

import pytest

from fakes.ai_server import AIServer
from judge.models import ScriptGenerationJob, SearchHistory
from judge.tasks import (
    execute_code_task,
    extract_problem_info_task,
    generate_hints_task,
    generate_outputs_task,
    generate_script_task,
)
from pytest_celery_perf import CeleryPerf


@pytest.mark.claim("B.retries")
@pytest.mark.celery_retries(attempts=3, backoff="exponential", jitter=True, final="succeeded")
def test_an_outage_of_the_ai_service(ai: AIServer, problem_url: str, transactional_db: None) -> None:
    """Retry on a temporary failure: the service answers with status 503 twice."""
    ai.fail(times=2)
    extract_problem_info_task.delay(problem_url)


@pytest.mark.claim("A.backoff")
@pytest.mark.celery_retries(attempts=13, backoff="exponential", jitter=True, max_countdown=600, final="failed")
def test_an_outage_that_does_not_end(ai: AIServer, history: SearchHistory) -> None:
    """Maximum respected: twelve retries, none of them later than ten minutes."""
    ai.fail(times=100)
    generate_hints_task.delay(history.pk)


@pytest.mark.celery_retries(attempts=2, backoff="exponential", jitter=True, final="succeeded")
def test_a_script_after_a_failure(celery_perf: CeleryPerf, job: ScriptGenerationJob, ai: AIServer) -> None:
    """Retry on a temporary failure: the second attempt takes its own job back."""
    ai.fail(times=1)

    celery_perf.run(generate_script_task, args=(job.pk,))

    job.refresh_from_db()
    assert job.status == "completed"


@pytest.mark.celery_retries(attempts=13, final="failed")
def test_a_script_that_never_comes(celery_perf: CeleryPerf, job: ScriptGenerationJob, ai: AIServer) -> None:
    """A failure for good is said at the job."""
    ai.fail(times=100)

    celery_perf.run(generate_script_task, args=(job.pk,))

    job.refresh_from_db()
    assert job.status == "failed"


@pytest.mark.celery_retries(attempts=3, backoff="exponential", jitter=True, final="succeeded")
def test_a_lost_connection(celery_perf: CeleryPerf, submission: dict[str, Any]) -> None:
    """Retry on a temporary failure: an error that is hard to cause is raised in the worker by `fail`."""
    celery_perf.fail(execute_code_task, with_=ConnectionError, times=2)

    run = celery_perf.run(execute_code_task, kwargs=submission)

    assert (run.attempts, SearchHistory.objects.count()) == (3, 1)


@pytest.mark.celery_retries(attempts=4, backoff="exponential", jitter=True, final="failed")
def test_a_user_does_not_wait_for_long(celery_perf: CeleryPerf, submission: dict[str, Any]) -> None:
    """Maximum respected: three retries where somebody waits."""
    celery_perf.fail(execute_code_task, with_=ConnectionError, times=4)
    execute_code_task.delay(**submission)


@pytest.mark.claim("B.retries")
@pytest.mark.celery_retries(attempts=1, final="failed")
def test_what_cannot_succeed_is_not_tried_again(submission: dict[str, Any]) -> None:
    """No retry for what is no temporary failure: a language without a sandbox, a problem that does not exist."""
    execute_code_task.delay(**{**submission, "language": "cobol"})
    generate_outputs_task.delay("example.org", "no such problem")
