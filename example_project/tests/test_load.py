"""Checklist "load": many tasks at once complete, none is lost, and slow ones do not hold up others."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest

from claims.recording import Measured
from fakes.ai_server import AIServer
from judge.models import Problem, ScriptGenerationJob, SearchHistory
from judge.tasks import (
    delete_job_task,
    execute_code_task,
    extract_problem_info_task,
    generate_hints_task,
    generate_script_task,
)
from pytest_celery_perf import CeleryPerf


@pytest.fixture
def problem(make_problem: Callable[..., Problem]) -> Problem:
    """Return a problem with 3 test cases: many submissions instead of long ones."""
    return make_problem(cases=3)


@pytest.mark.claim("B.fifty")
@pytest.mark.celery_queries(max=4)
@pytest.mark.celery_latency(p50="15s", p95="30s", phase="end_to_end")
def test_fifty_submissions_at_once(celery_perf: CeleryPerf, submission: dict[str, Any], problem: Problem) -> None:
    """Load: 50 concurrent tasks all complete, and no increment is lost."""
    run = celery_perf.run(execute_code_task, kwargs=submission, times=50)

    problem.refresh_from_db()
    assert (run.succeeded, run.lost, run.retried) == (50, 0, 0)
    assert (SearchHistory.objects.count(), problem.metadata) == (50, {"submissions": 50})


@pytest.mark.celery_latency(p95="15s", max="30s")
@pytest.mark.celery_latency(p95="15s", phase="queue")
def test_ten_users(celery_perf: CeleryPerf, submission: dict[str, Any]) -> None:
    """Traffic: ten users who submit again as soon as they have their verdict."""
    run = celery_perf.run(execute_code_task, kwargs=submission, times=40, concurrency=10)

    assert run.succeeded == 40


@pytest.mark.claim("B.spread")
def test_tasks_spread_over_the_workers(
    celery_perf: CeleryPerf,
    submission: dict[str, Any],
    job: ScriptGenerationJob,
    history: SearchHistory,
    ai: AIServer,
) -> None:
    """Load: a mixed load is shared by the four workers, each with its own queue."""
    other = ScriptGenerationJob.objects.create(title="not wanted any more")
    for _ in range(10):
        execute_code_task.delay(**submission)
        generate_script_task.delay(job.pk)
        generate_hints_task.delay(history.pk)
    delete_job_task.delay(other.pk)
    run = celery_perf.wait()

    served = {execution.worker.partition("@")[0]: execution.queue for execution in run.history.executions}
    assert run.succeeded == 31
    assert served == {name: name for name in ("execution", "generation", "ai", "maintenance")}


@pytest.mark.claim("A.ai-isolated")
def test_the_ai_service_does_not_block_submissions(
    celery_perf: CeleryPerf, submission: dict[str, Any], ai: AIServer
) -> None:
    """Isolation: while the AI service answers nobody, and every AI worker waits for it, submissions are judged."""
    ai.hold()
    for _ in range(20):
        extract_problem_info_task.delay(f"https://example.org/{uuid4().hex}")
    results = [execute_code_task.delay(**submission) for _ in range(10)]
    verdicts = [result.get(timeout=30) for result in results]
    ai.release()

    assert verdicts == [{"passed": 3, "failed": 0}] * 10
    assert celery_perf.wait().succeeded == 30


@pytest.mark.claim("A.failure-rate")
@pytest.mark.celery_retries(final="succeeded")
def test_six_percent_of_the_answers_are_failures(
    celery_perf: CeleryPerf, ai: AIServer, transactional_db: None, measured: Measured
) -> None:
    """Errors: the service answers three of fifty with status 503."""
    ai.fail(times=3)
    for _ in range(50):
        extract_problem_info_task.delay(f"https://example.org/{uuid4().hex}")
    run = celery_perf.wait()

    assert (run.tasks, run.failed, run.retried) == (50, 0, 3)
    measured("A.failure-rate", f"{run.failure_rate:.0%} of the tasks fail where 6 % of the calls do")
