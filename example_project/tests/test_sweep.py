"""Checklist "crash", everywhere: the process dies, or what it needs is gone, at every point of a task in turn.

Each test runs once as it is, and once for each query, commit, cache write and connection that its task then made. Every
run must end like the first one: the same rows, the task completed, the AI service not asked more often than said, and
paid once.
"""

from __future__ import annotations

from typing import Any

import pytest

from fakes.ai_server import AIServer
from judge.models import Problem, ScriptGenerationJob, SearchHistory
from judge.tasks import (
    delete_job_task,
    execute_code_task,
    extract_problem_info_task,
    generate_hints_task,
    generate_outputs_task,
    generate_script_task,
    warm_problem_cache_task,
)


def counted_once(problem: Problem) -> None:
    """A submission is there once, and its problem knows of one."""
    problem.refresh_from_db()
    assert (SearchHistory.objects.count(), problem.metadata) == (1, {"submissions": 1})


def billed_once(ai: AIServer) -> None:
    """The AI service may be asked twice, but knows that it is the same question."""
    assert [*ai.bills.values()] == [1]


@pytest.mark.celery_crash_sweep(task=execute_code_task, kill="child", invariant=counted_once)
@pytest.mark.celery_crash_sweep(task=execute_code_task, kill="worker", invariant=counted_once)
@pytest.mark.celery_fault_sweep(task=execute_code_task, invariant=counted_once)
def test_a_submission(submission: dict[str, Any]) -> None:
    """Judged, saved and counted once, whatever breaks."""
    execute_code_task.delay(**submission)


@pytest.mark.celery_crash_sweep(task=generate_script_task, outbound=2, invariant=billed_once)
@pytest.mark.celery_fault_sweep(task=generate_script_task, outbound=2, invariant=billed_once)
def test_a_script(job: ScriptGenerationJob, ai: AIServer) -> None:
    """Whoever takes the job over asks the AI service once more, and not again."""
    generate_script_task.delay(job.pk)


@pytest.mark.celery_crash_sweep(task=generate_outputs_task)
@pytest.mark.celery_fault_sweep(task=generate_outputs_task)
def test_outputs(problem: Problem) -> None:
    """Computed again, they are the same."""
    generate_outputs_task.delay(problem.platform, problem.problem_id)


@pytest.mark.celery_crash_sweep(task=extract_problem_info_task, outbound=2, invariant=billed_once)
@pytest.mark.celery_fault_sweep(task=extract_problem_info_task, outbound=2, invariant=billed_once)
def test_a_page(problem_url: str, transactional_db: None, ai: AIServer) -> None:
    """Read at most twice, and kept as one problem."""
    extract_problem_info_task.delay(problem_url)


@pytest.mark.celery_crash_sweep(task=generate_hints_task, outbound=2, invariant=billed_once)
@pytest.mark.celery_fault_sweep(task=generate_hints_task, outbound=2, invariant=billed_once)
def test_hints(history: SearchHistory, ai: AIServer) -> None:
    """Written once more at most."""
    generate_hints_task.delay(history.pk)


@pytest.mark.celery_crash_sweep(task=delete_job_task)
@pytest.mark.celery_fault_sweep(task=delete_job_task)
def test_a_deletion(job: ScriptGenerationJob) -> None:
    """Done again, it finds nothing to do."""
    delete_job_task.delay(job.pk)


@pytest.mark.celery_crash_sweep(task=warm_problem_cache_task)
@pytest.mark.celery_fault_sweep(task=warm_problem_cache_task)
def test_a_cache(problem: Problem) -> None:
    """Filled again."""
    warm_problem_cache_task.delay()
