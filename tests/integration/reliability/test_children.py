"""The death of a prefork child: rows 1 to 5 of "What happens"."""

from __future__ import annotations

import pytest
from celery import Task

from pytest_celery_perf.measure.outcomes import TaskClass
from tests.integration.reliability.scenes import Scenes

SCENES = "children"


@pytest.mark.parametrize("task", ["early", "early_rejecting", "late"])
def test_its_task_is_lost(scenes: Scenes, task: str) -> None:
    scene = scenes[f"test_lost[{task}]"]
    why = "reject_on_worker_lost=False" if task == "late" else "acks_late=False"
    assert scene.classes == {TaskClass.LOST: 1}
    assert "died with it, and its message is acknowledged" in scene.reasons
    assert len(scene.begun) == 1
    assert scene.lacks("lost 1 (budget = 0)", "SIGKILL to its child at started", why) == []


def test_its_task_is_put_back(scenes: Scenes) -> None:
    scene = scenes.passed("test_safe")
    assert scene.classes == {TaskClass.COMPLETED: 1}
    assert scene.reasons == "it succeeded after its process had died 1×"
    assert [each.redelivered for each in scene.begun] == [False, True]


def test_a_poison_task_is_put_back_for_ever(scenes: Scenes) -> None:
    """Whatever ``max_retries`` says: Celery counts no attempt."""
    scene = scenes["test_poison"]
    assert scene.classes == {TaskClass.POISON: 1}
    assert {each.retries for each in scene.begun} == {0}
    assert len(scene.begun) > 1 + (scene.history.tasks["mill.safe"].max_retries or 0)
    assert scene.lacks("✗ executions", "≤ 4", "retry_on_worker_lost=True") == []


@pytest.mark.skipif(not hasattr(Task, "retry_on_worker_lost"), reason="only newer Celery has retry_on_worker_lost")
def test_a_poison_task_with_a_bound(scenes: Scenes) -> None:
    scene = scenes["test_poison_with_a_bound"]
    assert [each.retries for each in scene.begun] == [0, 1, 2, 3]
    assert scene.classes == {TaskClass.POISON: 1}
