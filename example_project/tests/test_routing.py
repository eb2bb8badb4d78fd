"""Checklist "routing": each task has its queue and its priority, and what users wait for starts first.

Redis serves priority 0 first, so the importances of ``config/queues.py`` are turned round: 8 becomes 1.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from fakes.ai_server import AIServer
from fakes.programs import SLOW
from judge.models import ScriptGenerationJob, SearchHistory
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


@pytest.mark.celery_routing(queue="execution", priority=1)
def test_execute_code(submission: dict[str, Any]) -> None:
    """Routing: user-facing, the most important (8)."""
    execute_code_task.delay(**submission)


@pytest.mark.celery_routing(queue="ai", priority=3)
def test_generate_hints(history: SearchHistory, ai: AIServer) -> None:
    """Routing: somebody asked for hints (6)."""
    generate_hints_task.delay(history.pk)


@pytest.mark.celery_routing(queue="generation", priority=4)
def test_generation(job: ScriptGenerationJob, ai: AIServer) -> None:
    """Routing: scripts and outputs (5)."""
    generate_script_task.delay(job.pk)
    generate_outputs_task.delay(job.platform, job.problem_id)


@pytest.mark.celery_routing(queue="ai", priority=5)
def test_extract(problem_url: str, ai: AIServer, transactional_db: None) -> None:
    """Routing: problem pages can wait (4)."""
    extract_problem_info_task.delay(problem_url)


@pytest.mark.celery_routing(queue="maintenance", priority=7)
def test_maintenance(job: ScriptGenerationJob) -> None:
    """Routing: nobody waits for it (2)."""
    delete_job_task.delay(job.pk)
    warm_problem_cache_task.delay()
    warm_user_stats_cache_task.delay()


@pytest.mark.celery_worker(name="only", queues="execution,generation,ai,maintenance", concurrency=1, prefetch=1)
@pytest.mark.celery_routing(
    order=[execute_code_task, generate_hints_task, generate_script_task, extract_problem_info_task, delete_job_task]
)
def test_important_tasks_start_first(
    submission: dict[str, Any],
    history: SearchHistory,
    make_job: Callable[..., ScriptGenerationJob],
    problem_url: str,
    ai: AIServer,
) -> None:
    """Load: high priority starts first, though it was published last and the one worker is busy."""
    execute_code_task.delay(**{**submission, "code": SLOW})
    delete_job_task.delay(make_job().pk)
    extract_problem_info_task.delay(problem_url)
    generate_script_task.delay(make_job().pk)
    generate_hints_task.delay(history.pk)
    execute_code_task.delay(**submission)
