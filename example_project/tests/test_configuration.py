"""Checklist "configuration": what the app, the tasks and the running workers are set to."""

from __future__ import annotations

from typing import Any

import pytest

from claims.recording import Measured
from config.celery import app
from judge import tasks
from judge.tasks import delete_job_task, execute_code_task
from pytest_celery_perf import CeleryPerf

EIGHT = [
    tasks.execute_code_task,
    tasks.generate_script_task,
    tasks.generate_outputs_task,
    tasks.extract_problem_info_task,
    tasks.generate_hints_task,
    tasks.delete_job_task,
    tasks.warm_problem_cache_task,
    tasks.warm_user_stats_cache_task,
]


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("task_acks_late", True),
        ("task_reject_on_worker_lost", True),
        ("task_track_started", True),
        ("task_send_sent_event", True),
        ("worker_send_task_events", True),
        ("worker_prefetch_multiplier", 4),
        ("worker_max_tasks_per_child", 1000),
        ("result_compression", "gzip"),
        ("result_extended", True),
        ("result_expires", 86_400),
        ("broker_pool_limit", 10),
        ("broker_connection_retry_on_startup", True),
    ],
)
def test_settings(setting: str, value: Any) -> None:
    """Configuration: the app is set as the checklist says."""
    assert app.conf[setting] == value


@pytest.mark.parametrize("task", EIGHT, ids=lambda task: task.name.rpartition(".")[2])
def test_every_task_is_reliable(task: Any) -> None:
    """Configuration: late acknowledgment, retry with backoff and time limits, for every task."""
    assert (task.acks_late, task.reject_on_worker_lost) == (True, True)
    assert (task.autoretry_for, task.retry_backoff) == ((Exception,), True)
    assert (task.retry_backoff_max, task.retry_jitter) == (600, True)
    assert 0 < task.soft_time_limit < task.time_limit <= 1800


def test_a_task_may_not_outlive_its_message() -> None:
    """Configuration: Redis would deliver the message again to a second worker while the first still runs it."""
    longest = max(task.time_limit for task in EIGHT)

    assert longest < app.conf.broker_transport_options["visibility_timeout"]


@pytest.mark.claim("B.settings")
def test_the_workers_hold_these_options(
    celery_perf: CeleryPerf, submission: dict[str, Any], measured: Measured
) -> None:
    """Configuration: what counts is what the worker that ran the task says."""
    execute_code_task.delay(**submission)
    delete_job_task.delay(0)
    held = celery_perf.wait().history.tasks

    execution, deletion = held[execute_code_task.name], held[delete_job_task.name]
    assert (execution.acks_late, execution.reject_on_worker_lost, execution.retry_backoff_max_s) == (True, True, 600)
    assert (execution.time_limit_s, deletion.time_limit_s) == (1800, 60)
    assert deletion.ignore_result
    measured("B.settings", "late acknowledgment, limits of 1800 s and 60 s, backoff of at most 600 s")


@pytest.mark.claim("B.ping")
def test_the_workers_answer(celery_perf: CeleryPerf, measured: Measured) -> None:
    """Health: all four answer a ping."""
    replies = app.control.ping(timeout=10, limit=4) or []

    assert {name.partition("@")[0] for reply in replies for name in reply} == {
        "execution",
        "generation",
        "ai",
        "maintenance",
    }
    measured("B.ping", f"{len(replies)} answers")
