"""What the tests work on: services that do what they are told; of the judge a problem, a job, and submissions."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any, TypeVar
from uuid import uuid4

import pytest
from django.contrib.auth.models import User

from claims.catalogue import by_key
from claims.recording import Measured
from fakes.ai_server import AIServer
from fakes.exam_services import ExamServices
from fakes.mail_server import MailServer
from fakes.programs import ADD, SUBTRACT
from judge.models import Problem, ScriptGenerationJob, SearchHistory, TestCase


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """Stand-ins for services of others, which run as long as pytest does."""

    ai: AIServer = field(default_factory=AIServer)
    exams: ExamServices = field(default_factory=ExamServices)
    mail: MailServer = field(default_factory=MailServer)
    running: ExitStack = field(default_factory=ExitStack)


Service = TypeVar("Service", AIServer, ExamServices, MailServer)

_services = pytest.StashKey[Services]()


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Start the services before any worker: workers inherit their addresses by the environment."""
    config.stash[_services] = services = Services()
    for service in (services.ai, services.exams, services.mail):
        services.running.enter_context(service)
    os.environ["AI_SERVICE_URL"] = services.ai.url
    os.environ["EXAM_SERVICES_URL"] = services.exams.url
    os.environ["EMAIL_PORT"] = str(services.mail.port)


def pytest_unconfigure(config: pytest.Config) -> None:
    """Stop them."""
    config.stash[_services].running.close()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Record with each test which claims it proves.

    Raises:
        pytest.UsageError: Nobody claims that.
    """
    claims = by_key()
    for item in items:
        for key in (key for mark in item.iter_markers("claim") for key in mark.args):
            if key not in claims:
                raise pytest.UsageError(f"{item.nodeid}: claim({key!r}) is none of claims/catalogue.py")
            item.user_properties.append(("claim", key))


@pytest.fixture
def measured(request: pytest.FixtureRequest) -> Measured:
    """Return what records what was measured for a claim, and whether that bears it out."""
    return Measured(request.node.user_properties)


@pytest.fixture
def ai(pytestconfig: pytest.Config) -> Iterator[AIServer]:
    """Return the judge's AI service, which has forgotten what other tests told it."""
    yield from _forgetful(pytestconfig.stash[_services].ai)


@pytest.fixture
def exam_services(pytestconfig: pytest.Config) -> Iterator[ExamServices]:
    """Return the services of the examination platform, likewise."""
    yield from _forgetful(pytestconfig.stash[_services].exams)


@pytest.fixture
def mail(pytestconfig: pytest.Config) -> Iterator[MailServer]:
    """Return the mail server, likewise."""
    yield from _forgetful(pytestconfig.stash[_services].mail)


def _forgetful(service: Service) -> Iterator[Service]:
    service.reset()
    yield service
    service.reset()


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
