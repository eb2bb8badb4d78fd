"""What the judge's tasks ask of the cache and of the AI service, and how much they log."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest

from fakes.ai_server import AIServer
from fakes.programs import SUBTRACT
from judge.models import ScriptGenerationJob, SearchHistory
from judge.tasks import (
    execute_code_task,
    extract_problem_info_task,
    generate_hints_task,
    generate_script_task,
    warm_problem_cache_task,
    warm_user_stats_cache_task,
)
from pytest_celery_perf import CeleryPerf


@pytest.mark.claim("A.hit-rate")
@pytest.mark.celery_cache(task=extract_problem_info_task, hit_ratio="60%", ttl_required=True)
def test_a_page_is_read_from_the_cache(celery_perf: CeleryPerf, ai: AIServer, transactional_db: None) -> None:
    """Extract: of ten users who look at three pages, seven are served by the cache."""
    pages = [f"https://example.org/{uuid4().hex}" for _ in range(3)]
    for number in range(10):
        celery_perf.run(extract_problem_info_task, args=(pages[number % 3],))


@pytest.mark.celery_cache(ttl_required=True)
def test_nothing_is_kept_for_ever(celery_perf: CeleryPerf, submission: dict[str, Any]) -> None:
    """Warm caches: every key has a time to live."""
    celery_perf.run(execute_code_task, kwargs=submission)
    warm_problem_cache_task.delay()
    warm_user_stats_cache_task.delay()


@pytest.mark.celery_outbound(task=generate_script_task, exact=1)
@pytest.mark.celery_outbound(task=generate_hints_task, exact=1)
@pytest.mark.celery_outbound(task=extract_problem_info_task, exact=1)
@pytest.mark.celery_outbound(task=execute_code_task, exact=0)
@pytest.mark.celery_outbound(hosts=["127.0.0.1"])
def test_the_ai_service_is_asked_once(
    submission: dict[str, Any], job: ScriptGenerationJob, history: SearchHistory, problem_url: str, ai: AIServer
) -> None:
    """Whatever the number of test cases and failures; nobody else is called."""
    execute_code_task.delay(**submission)
    generate_script_task.delay(job.pk)
    generate_hints_task.delay(history.pk)
    extract_problem_info_task.delay(problem_url)


@pytest.mark.claim("A.log-volume")
@pytest.mark.celery_worker(name="talkative", queues="execution", concurrency=1, options="-l INFO")
@pytest.mark.celery_logs(task=execute_code_task, max=4, levels={"WARNING": 0}, repeated=3)
def test_three_failures_are_logged(problem: Any, make_submission: Callable[..., dict[str, Any]]) -> None:
    """Of twenty: those and how many more there are, which is a fifth."""
    execute_code_task.delay(**make_submission(problem, SUBTRACT))
