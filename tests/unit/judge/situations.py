"""Builds the situations that the tests of the diagnosis start from."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from pytest_celery_perf.judge.diagnosis import diagnose
from pytest_celery_perf.model.situation import PendingTask, Situation, WorkerState

NODE = "execution@host"
TASK = PendingTask(task_id="id-1", name="judge.tasks.execute", queue="execution", published_ago_s=60.0)
WORKER = WorkerState(
    name=NODE,
    queues=("execution", "generation"),
    registered=frozenset({"judge.tasks.execute", "judge.tasks.extract", "celery.ping"}),
    busy=2,
    concurrency=2,
)
AI = replace(WORKER, name="ai@host", queues=("ai",))
DEAD = replace(WORKER, alive=False, exit_status=-9, log_tail=("ready.", "Task received"))


def tasks(number: int, **fields: Any) -> list[PendingTask]:
    return [replace(TASK, task_id=f"id-{i}", **fields) for i in range(1, number + 1)]


def diagnosed(*pending: PendingTask, **fields: Any) -> str:
    defaults = {
        "waited_s": 60.0,
        "published": 50,
        "workers": (WORKER, AI),
        "visibility_timeout_s": 3600.0,
        "restore_delay_s": 100.0,
    }
    return diagnose(Situation(pending=pending, **{**defaults, **fields}))


def paragraphs(text: str) -> list[str]:
    return text.split("\n\n")
