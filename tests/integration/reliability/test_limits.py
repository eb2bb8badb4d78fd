"""Time limits, and who acknowledges what they end: ``acks_on_failure_or_timeout``, which newer Celery splits in two."""

from __future__ import annotations

import celery
import pytest

from pytest_celery_perf.measure.outcomes import TaskClass
from tests.integration.reliability.scenes import Scenes

SCENES = "limits"

puts_back = pytest.mark.skipif(celery.VERSION < (5, 7), reason="only newer Celery puts back what its time limit ends")


def test_a_hard_limit_ends_a_task_for_good(scenes: Scenes) -> None:
    scene = scenes["test_hard[limited]"]
    assert scene.classes == {TaskClass.FAILED: 1}
    assert "it failed with billiard.exceptions.TimeLimitExceeded" in scene.reasons
    assert len(scene.begun) == 1
    assert set(scene.history.states.values()) == {"FAILURE"}
    assert scene.lacks("✗ failed 1 = 0") == []


@pytest.mark.gevent
def test_a_hard_limit_ends_a_greenlet(scenes: Scenes) -> None:
    scene = scenes["test_hard_on_gevent"]
    assert scene.classes == {TaskClass.FAILED: 1}
    assert "it failed with billiard.exceptions.TimeLimitExceeded" in scene.reasons


@puts_back
def test_a_hard_limit_without_acknowledgment_has_the_task_begin_again(scenes: Scenes) -> None:
    """Though ``retries`` stays 0, and ``max_retries`` bounds nothing."""
    scene = scenes.passed("test_hard[stubborn]")
    assert scene.classes == {TaskClass.COMPLETED: 1}
    assert [each.retries for each in scene.begun] == [0, 0]
    assert len({each.pid for each in scene.begun}) == 2


@puts_back
def test_a_task_that_always_reaches_its_limit_is_put_back_for_ever(scenes: Scenes) -> None:
    scene = scenes["test_again_and_again"]
    # Not its class: at the end it runs again, waits to, or has just reached its limit and is about to be put back.
    assert len(scene.begun) >= 4
    assert scene.lacks("✗ executions", "puts back without a bound what its time limit has ended") == []


@pytest.mark.parametrize("task", ["limited", "stubborn"])
def test_a_soft_limit_raises_in_the_task_whose_message_is_gone_either_way(scenes: Scenes, task: str) -> None:
    """Without an acknowledgment it is rejected, and not put back."""
    scene = scenes[f"test_soft[{task}]"]
    assert scene.classes == {TaskClass.FAILED: 1}
    assert "it failed with billiard.exceptions.SoftTimeLimitExceeded" in scene.reasons
    assert len(scene.begun) == 1


@pytest.mark.parametrize("limit", ["hard", "soft"])
def test_what_has_no_limit_is_spared_and_the_fault_fails(scenes: Scenes, limit: str) -> None:
    scene = scenes[f"test_spared[{limit}]"]
    assert scene.classes == {TaskClass.COMPLETED: 1}
    name = "time_limit" if limit == "hard" else "soft_time_limit"
    assert scene.lacks("✗ celery_faults", "0× (budget = 1×)", f"no {name} ends mill.late in production") == []


@pytest.mark.parametrize("limit", ["hard", "soft"])
def test_only_what_has_a_limit_hangs_until_it_strikes(scenes: Scenes, limit: str) -> None:
    classes = {each.life.name: each.task_class for each in scenes[f"test_the_limited_one[{limit}]"].tasks}
    assert classes == {"mill.total": TaskClass.COMPLETED, "mill.limited": TaskClass.FAILED}
