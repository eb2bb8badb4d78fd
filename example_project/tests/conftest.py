"""What the tests work on: a problem, a job, submissions, and an AI service that does what it is told."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.auth.models import User

from fakes.ai_server import AIServer
from fakes.programs import ADD, SUBTRACT
from judge.models import Problem, ScriptGenerationJob, SearchHistory, TestCase

_ai_server = pytest.StashKey[AIServer]()


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Start the stand-in of the AI service before any worker: workers inherit its address by the environment."""
    server = AIServer().__enter__()
    config.stash[_ai_server] = server
    os.environ["AI_SERVICE_URL"] = server.url


def pytest_unconfigure(config: pytest.Config) -> None:
    """Stop it."""
    config.stash[_ai_server].__exit__()


@pytest.fixture
def ai(pytestconfig: pytest.Config) -> Iterator[AIServer]:
    """Return the AI service, which has forgotten what other tests told it."""
    server = pytestconfig.stash[_ai_server]
    server.reset()
    yield server
    server.reset()


@pytest.fixture
def problem_url() -> str:
    """Return the address of a problem that nobody has asked for yet: the cache outlives a test."""
    return f"https://example.org/{uuid4().hex}"


@pytest.fixture
def make_problem(transactional_db: None) -> Callable[..., Problem]:
    """Return a function that makes a problem with test cases.

    Workers have a connection of their own, so what a test makes must be committed: ``transactional_db``, not ``db``.
    """

    def make(cases: int = 20, *, solution: str = ADD, outputs: bool = True) -> Problem:
        name = uuid4().hex
        problem = Problem.objects.create(platform="example.org", problem_id=name, title="Sum", solution_code=solution)
        TestCase.objects.bulk_create(
            TestCase(problem=problem, input=f"{n} {n + 1}", output=str(2 * n + 1) if outputs else "")
            for n in range(cases)
        )
        return problem

    return make


@pytest.fixture
def problem(make_problem: Callable[..., Problem]) -> Problem:
    """Return a problem with 20 test cases."""
    return make_problem()


@pytest.fixture
def make_submission(transactional_db: None) -> Callable[..., dict[str, Any]]:
    """Return a function that makes the arguments of ``execute_code_task``."""
    user = User.objects.create(username="ada")

    def make(problem: Problem, code: str = ADD) -> dict[str, Any]:
        return {
            "code": code,
            "language": "python",
            "problem_id": problem.pk,
            "user_id": user.pk,
            "user_identifier": user.username,
            "is_public": True,
        }

    return make


@pytest.fixture
def submission(problem: Problem, make_submission: Callable[..., dict[str, Any]]) -> dict[str, Any]:
    """Return a right solution of the problem, as arguments of ``execute_code_task``."""
    return make_submission(problem)


@pytest.fixture
def make_job(make_problem: Callable[..., Problem]) -> Callable[..., ScriptGenerationJob]:
    """Return a function that makes a job for a problem which has no test cases yet."""

    def make(cases: int = 20) -> ScriptGenerationJob:
        problem = make_problem(cases=0)
        return ScriptGenerationJob.objects.create(
            platform=problem.platform,
            problem_id=problem.problem_id,
            title=problem.title,
            constraints=f"cases: {cases}",
        )

    return make


@pytest.fixture
def job(make_job: Callable[..., ScriptGenerationJob]) -> ScriptGenerationJob:
    """Return a job whose generator will print 20 test cases."""
    return make_job()


@pytest.fixture
def make_history(problem: Problem) -> Callable[..., SearchHistory]:
    """Return a function that makes the history row of a wrong submission."""

    def make(failed: int = 3, *, hints: tuple[str, ...] = ()) -> SearchHistory:
        cases = problem.test_cases.order_by("pk")
        rows = [{"test_case": case.pk, "passed": n >= failed, "output": ""} for n, case in enumerate(cases)]
        return SearchHistory.objects.create(
            user_identifier="ada",
            problem=problem,
            code=SUBTRACT,
            language="python",
            test_results=rows,
            failed_count=failed,
            hints=list(hints),
            task_id=uuid4().hex,
        )

    return make


@pytest.fixture
def history(make_history: Callable[..., SearchHistory]) -> SearchHistory:
    """Return the history row of a submission that failed 3 of 20 test cases."""
    return make_history()
