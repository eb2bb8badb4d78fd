"""Checklist "function": each task completes, saves what it should and creates no duplicates."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client  # noqa: TC002 - like the other types of fixtures

from fakes.ai_server import AIServer
from fakes.programs import ADD, SUBTRACT
from judge.models import Problem, ScriptGenerationJob, SearchHistory, TestCase
from judge.tasks import (
    delete_job_task,
    execute_code_task,
    generate_hints_task,
    generate_outputs_task,
    generate_script_task,
)
from pytest_celery_perf import CeleryPerf


@pytest.mark.claim("B.function")
@pytest.mark.parametrize(("code", "failed"), [(ADD, 0), (SUBTRACT, 20), ("1 / 0", 20)])
def test_a_submission_is_judged(
    celery_perf: CeleryPerf,
    problem: Problem,
    make_submission: Callable[..., dict[str, Any]],
    code: str,
    failed: int,
) -> None:
    """Execute: the verdict on every test case is in the history, and the problem counts its submissions."""
    celery_perf.run(execute_code_task, kwargs=make_submission(problem, code))

    history = SearchHistory.objects.get()
    problem.refresh_from_db()
    assert (len(history.test_results), history.failed_count) == (20, failed)
    assert problem.metadata == {"submissions": 1}


def test_a_view_publishes(celery_perf: CeleryPerf, problem: Problem, client: Client) -> None:
    """Execute: what a view publishes is waited for like anything else."""
    response = client.post(f"/problems/{problem.pk}/submissions", {"code": ADD})
    run = celery_perf.wait()

    assert (response.status_code, run.succeeded) == (202, 1)
    assert SearchHistory.objects.get().task_id == response.json()["task"]


@pytest.mark.claim("B.function")
def test_a_script_is_generated(celery_perf: CeleryPerf, job: ScriptGenerationJob, ai: AIServer) -> None:
    """Generate script: the job is completed, the test cases are those that the generator printed."""
    celery_perf.run(generate_script_task, args=(job.pk,))

    job.refresh_from_db()
    assert (job.status, TestCase.objects.count()) == ("completed", 20)
    assert "print" in job.generator_code


@pytest.mark.claim("A.claimed-once", "B.function")
def test_a_job_is_processed_once(celery_perf: CeleryPerf, job: ScriptGenerationJob, ai: AIServer) -> None:
    """Generate script: of two tasks for one job, at the same time, one does the work."""
    ai.delay_s = 0.5

    run = celery_perf.run(generate_script_task, args=(job.pk,), times=2)

    assert run.succeeded == 2
    assert (ai.calls, TestCase.objects.count()) == ({"/generator": 1}, 20)


@pytest.mark.claim("A.outputs-queries", "B.function")
def test_outputs_are_generated(celery_perf: CeleryPerf, make_problem: Callable[..., Problem]) -> None:
    """Generate outputs: every test case has what the solution printed."""
    problem = make_problem(cases=1000, outputs=False)

    run = celery_perf.run(generate_outputs_task, args=(problem.platform, problem.problem_id))

    assert run.succeeded == 1
    assert [case.output for case in problem.test_cases.order_by("pk")] == [f"{2 * n + 1}\n" for n in range(1000)]


@pytest.mark.claim("B.function")
def test_hints_are_generated_for_failures_only(celery_perf: CeleryPerf, history: SearchHistory, ai: AIServer) -> None:
    """Generate hints: one for each of the 3 cases that failed."""
    celery_perf.run(generate_hints_task, args=(history.pk,))

    history.refresh_from_db()
    assert len(history.hints) == 3


def test_hints_are_not_generated_again(
    celery_perf: CeleryPerf, make_history: Callable[..., SearchHistory], ai: AIServer
) -> None:
    """Generate hints: those that exist stay, and nobody pays for others."""
    history = make_history(hints=("Look again.",))

    celery_perf.run(generate_hints_task, args=(history.pk,))

    history.refresh_from_db()
    assert (history.hints, ai.calls) == (["Look again."], {})


@pytest.mark.claim("A.delete", "B.function")
def test_a_job_is_deleted(celery_perf: CeleryPerf, job: ScriptGenerationJob) -> None:
    """Delete: the row is gone, and no result is stored that nobody reads."""
    run = celery_perf.run(delete_job_task, args=(job.pk,))

    assert not ScriptGenerationJob.objects.exists()
    assert run.history.tasks[delete_job_task.name].ignore_result
