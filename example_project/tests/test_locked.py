"""Exact counters: what these tasks do is written down beside this file, so that every change of it is seen in a review.

``pytest --celery-perf-update tests/test_locked.py`` accepts a change.
"""

from __future__ import annotations

from typing import Any

import pytest

from fakes.ai_server import AIServer
from judge.models import ScriptGenerationJob, SearchHistory
from judge.tasks import execute_code_task, extract_problem_info_task, generate_hints_task, generate_script_task
from pytest_celery_perf import CeleryPerf


def test_a_submission(celery_perf: CeleryPerf, submission: dict[str, Any]) -> None:
    """Execute: two reads, two writes, nobody is called, nothing follows."""
    execute_code_task.delay(**submission)


def test_a_script(celery_perf: CeleryPerf, job: ScriptGenerationJob, ai: AIServer) -> None:
    """Generate script: one call of the AI service, and three statements for all test cases."""
    generate_script_task.delay(job.pk)


@pytest.mark.celery_retries(final="succeeded")
def test_hints_after_an_outage(history: SearchHistory, ai: AIServer) -> None:
    """Generate hints: the second attempt reads again, and writes once."""
    ai.fail(times=1)
    generate_hints_task.delay(history.pk)


def test_a_page_that_two_ask_for(
    celery_perf: CeleryPerf, problem_url: str, ai: AIServer, transactional_db: None
) -> None:
    """Extract: the second is served by the cache."""
    celery_perf.run(extract_problem_info_task, (problem_url,))
    celery_perf.run(extract_problem_info_task, (problem_url,))
