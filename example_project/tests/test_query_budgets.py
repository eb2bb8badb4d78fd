"""Checklist "query budgets": how many queries each task may make, counted in the worker that runs it.

The markers alone bring the workers up, wait for the tasks and judge them: these tests only publish.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from fakes.ai_server import AIServer
from judge.models import Problem, ScriptGenerationJob, SearchHistory
from judge.services import cache
from judge.services.ai import ProblemInfo
from judge.tasks import (
    delete_job_task,
    execute_code_task,
    extract_problem_info_task,
    generate_hints_task,
    generate_outputs_task,
    generate_script_task,
    warm_problem_cache_task,
    warm_user_stats_cache_task,
)


@pytest.mark.claim("A.execute-queries")
@pytest.mark.celery_queries(exact=4, no_n_plus_one=True)
@pytest.mark.parametrize("cases", [0, 1, 20, 100])
def test_execute_code(
    cases: int, make_problem: Callable[..., Problem], make_submission: Callable[..., dict[str, Any]]
) -> None:
    """Execute < 5, whatever the number of test cases; the user's row is not loaded."""
    execute_code_task.delay(**make_submission(make_problem(cases)))


@pytest.mark.claim("A.script-queries")
@pytest.mark.celery_queries(max=3, no_n_plus_one=True)
def test_generate_script(job: ScriptGenerationJob, ai: AIServer) -> None:
    """Generate script < 5: claim, save, create all test cases at once."""
    generate_script_task.delay(job.pk)


@pytest.mark.celery_queries(max=4, verbs={"INSERT": 2})
def test_generate_script_writes_in_batches(make_job: Callable[..., ScriptGenerationJob], ai: AIServer) -> None:
    """Generate script: 200 test cases are two batches of 100."""
    generate_script_task.delay(make_job(cases=200).pk)


@pytest.mark.claim("A.outputs-queries")
@pytest.mark.celery_queries(exact=3, no_n_plus_one=True)
def test_generate_outputs(make_problem: Callable[..., Problem]) -> None:
    """Generate outputs < 5: problem, test cases, one write."""
    problem = make_problem(outputs=False)
    generate_outputs_task.delay(problem.platform, problem.problem_id)


@pytest.mark.celery_queries(max=2)
def test_generate_outputs_validates_first(make_problem: Callable[..., Problem]) -> None:
    """Generate outputs: without a solution nothing is run and nothing written."""
    problem = make_problem(solution="")
    generate_outputs_task.delay(problem.platform, problem.problem_id)


@pytest.mark.claim("A.extract-queries")
@pytest.mark.celery_queries(max=2)
def test_extract_problem_info(problem_url: str, ai: AIServer, transactional_db: None) -> None:
    """Extract < 3: look for the problem, create it."""
    extract_problem_info_task.delay(problem_url)


@pytest.mark.claim("A.extract-queries")
@pytest.mark.celery_queries(exact=0)
def test_extract_problem_info_from_the_cache(problem_url: str, transactional_db: None) -> None:
    """Extract, second call: no query at all."""
    info = ProblemInfo(platform="example.org", problem_id="1", title="Sum", constraints="", examples=())
    cache.remember_problem_info(problem_url, info)
    extract_problem_info_task.delay(problem_url)


@pytest.mark.claim("A.hints-queries")
@pytest.mark.celery_queries(max=2, verbs={"SELECT": 1, "UPDATE": 1})
def test_generate_hints(history: SearchHistory, ai: AIServer) -> None:
    """Generate hints: one read, with the problem joined, and one targeted write."""
    generate_hints_task.delay(history.pk)


@pytest.mark.claim("A.hints-queries")
@pytest.mark.celery_queries(exact=1)
@pytest.mark.parametrize("situation", [{"failed": 0}, {"hints": ("Look again.",)}], ids=["nothing failed", "known"])
def test_generate_hints_has_nothing_to_do(situation: Any, make_history: Callable[..., SearchHistory]) -> None:
    """Generate hints: the read tells, then it leaves."""
    generate_hints_task.delay(make_history(**situation).pk)


@pytest.mark.claim("A.delete")
@pytest.mark.celery_queries(exact=1, verbs={"DELETE": 1})
def test_delete_job(job: ScriptGenerationJob) -> None:
    """Delete: one statement, no field is loaded."""
    delete_job_task.delay(job.pk)


@pytest.mark.celery_queries(exact=1)
def test_warm_caches(submission: dict[str, Any]) -> None:
    """Warm caches: one query each, whatever the number of problems and users."""
    warm_problem_cache_task.delay()
    warm_user_stats_cache_task.delay()
