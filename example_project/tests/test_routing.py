"""Checklist "routing": each task has its queue and its priority, and what users wait for starts first.

Redis serves priority 0 first, so the importances of ``config/queues.py`` are turned round: 8 becomes 1.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from fakes.ai_server import AIServer
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
from pytest_celery_perf import CeleryFaults


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


ONE_SLOT = pytest.mark.celery_worker(
    name="only", queues="execution,generation,ai,maintenance", concurrency=1, prefetch=1
)
ORDER = [execute_code_task, generate_hints_task, generate_script_task, extract_problem_info_task, delete_job_task]


@pytest.fixture
def publish_backlog(  # noqa: PLR0917 - fixtures
    celery_faults: CeleryFaults,
    submission: dict[str, Any],
    history: SearchHistory,
    make_job: Callable[..., ScriptGenerationJob],
    problem_url: str,
    ai: AIServer,
) -> Callable[..., None]:
    """Return a function that keeps the only process busy, and meanwhile publishes the least important first."""

    def publish(*priorities: int) -> None:
        options = [{"priority": priority} for priority in priorities] or [{}] * len(ORDER)
        with celery_faults.hold(execute_code_task, at="started") as busy:
            execute_code_task.apply_async(kwargs=submission, priority=0)
            busy.wait()
            delete_job_task.apply_async((make_job().pk,), **options[4])
            extract_problem_info_task.apply_async((problem_url,), **options[3])
            generate_script_task.apply_async((make_job().pk,), **options[2])
            generate_hints_task.apply_async((history.pk,), **options[1])
            execute_code_task.apply_async(kwargs=submission, **options[0])

    return publish


@ONE_SLOT
@pytest.mark.celery_routing(order=ORDER)
def test_important_tasks_start_first(publish_backlog: Callable[..., None]) -> None:
    """Load: high priority starts first, though it was published last and the one worker is busy."""
    publish_backlog()


@pytest.mark.claim("A.priorities")
@ONE_SLOT
@pytest.mark.xfail(reason="Redis serves the lowest number first", raises=pytest.fail.Exception)
@pytest.mark.celery_routing(order=ORDER)
def test_the_priorities_as_written_up(publish_backlog: Callable[..., None]) -> None:
    """Load: the write-up gives its numbers to Celery as they are, 8 for what users wait for."""
    publish_backlog(8, 6, 5, 4, 2)
