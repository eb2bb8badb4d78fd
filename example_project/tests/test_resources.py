"""What the judge's tasks take of their machine, and how busy they keep its workers."""

from __future__ import annotations

from statistics import fmean
from typing import Any

import pytest

from claims.recording import Measured
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
from pytest_celery_perf import CeleryPerf

ONE_SLOT = pytest.mark.celery_worker(name="only", queues="execution,generation,ai,maintenance", concurrency=1)


@pytest.mark.claim("A.memory")
@ONE_SLOT
@pytest.mark.celery_memory(added="35MiB")
def test_memory(
    submission: dict[str, Any], job: ScriptGenerationJob, history: SearchHistory, problem_url: str, ai: AIServer
) -> None:
    """No task adds more than 35 MiB to its process."""
    execute_code_task.delay(**submission)
    generate_script_task.delay(job.pk)
    generate_outputs_task.delay(history.problem.platform, history.problem.problem_id)
    generate_hints_task.delay(history.pk)
    extract_problem_info_task.delay(problem_url)
    delete_job_task.delay(job.pk)


@ONE_SLOT
@pytest.mark.celery_cpu(task=extract_problem_info_task, share="20%")
def test_waiting_costs_no_cpu(problem_url: str, ai: AIServer, transactional_db: None) -> None:
    """While the AI service thinks for half a second, its task does nothing."""
    ai.delay_s = 0.5
    extract_problem_info_task.delay(problem_url)


@ONE_SLOT
@pytest.mark.celery_cpu(calls=500, warmup=1)
def test_a_deletion_is_cheap(celery_perf: CeleryPerf, transactional_db: None) -> None:
    """By the functions that are called, which are as many on every machine."""
    celery_perf.run(delete_job_task, args=(0,), times=2)


@pytest.mark.slow
@pytest.mark.claim("A.throughput", "A.utilisation")
@pytest.mark.celery_throughput(task=execute_code_task, min="10000/h")
def test_a_busy_hour(celery_perf: CeleryPerf, submission: dict[str, Any], measured: Measured) -> None:
    """One worker is given more than it can do at once."""
    run = celery_perf.run(execute_code_task, kwargs=submission, times=60)

    busy = run.workers["execution"].utilisation or 0.0
    measured("A.throughput", f"{(run.throughput or 0.0) * 3600:.0f} tasks an hour on one worker")
    measured("A.utilisation", f"{busy:.0%} of the slots while more tasks wait than there are", holds=busy >= 0.8)
    assert busy > 0.5


@pytest.mark.slow
@pytest.mark.claim("A.concurrent")
def test_three_hundred_at_once(celery_perf: CeleryPerf, transactional_db: None, measured: Measured) -> None:
    """All are done; side by side run as many as the four workers have processes."""
    for number in range(150):
        delete_job_task.delay(number)
        generate_outputs_task.delay("example.org", f"{number}")
    run = celery_perf.wait()

    side_by_side = sum(worker.concurrency_reached for worker in run.workers.values())
    figure = f"300 published at once, {run.lost} lost, {side_by_side} side by side"
    measured("A.concurrent", figure, holds=side_by_side >= 300)
    assert run.succeeded + run.failed == 300
    assert side_by_side <= 15


@pytest.mark.claim("A.mean-queries")
def test_on_average(  # noqa: PLR0917 - fixtures
    celery_perf: CeleryPerf,
    submission: dict[str, Any],
    job: ScriptGenerationJob,
    history: SearchHistory,
    problem_url: str,
    ai: AIServer,
    measured: Measured,
) -> None:
    """Each of the eight tasks once: 2 to 4 queries on average."""
    execute_code_task.delay(**submission)
    generate_outputs_task.delay(history.problem.platform, history.problem.problem_id)
    generate_script_task.delay(job.pk)
    extract_problem_info_task.delay(problem_url)
    generate_hints_task.delay(history.pk)
    delete_job_task.delay(0)
    warm_problem_cache_task.delay()
    warm_user_stats_cache_task.delay()

    mean = fmean(row.queries_median for row in celery_perf.wait().by_task.values())
    measured("A.mean-queries", f"{mean:.2f} queries, each of the eight tasks once")
    assert 2 <= mean <= 4
