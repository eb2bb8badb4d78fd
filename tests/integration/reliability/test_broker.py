"""The death of the broker: rows 12 to 15 of "What happens"."""

from __future__ import annotations

import celery

from pytest_celery_perf.measure.outcomes import TaskClass
from tests.integration.reliability.scenes import Scenes

SCENES = "broker"

DIES_TOO = celery.VERSION >= (5, 7)  # AttributeError on acknowledging over a connection that is gone


def test_all_that_waited_is_lost_without_an_append_only_file(scenes: Scenes) -> None:
    scene = scenes["test_without_its_data"]
    assert scene.classes == {TaskClass.COMPLETED: 1, TaskClass.LOST: 3}
    assert "the broker came back without its message" in scene.reasons
    assert len(scene.begun) == 1
    assert scene.lacks("✗ lost 3 = 0", "appendonly yes") == []


def test_nothing_is_lost_with_one(scenes: Scenes) -> None:
    scene = scenes.passed("test_with_its_data")
    assert scene.classes == {TaskClass.COMPLETED: 4}
    assert len(scene.begun) == 4


def test_a_worker_with_a_free_slot_dies(scenes: Scenes) -> None:
    scene = scenes["test_with_its_data_and_a_free_slot"]
    assert [fault.detail.partition(",")[0] for fault in scene.faults("worker-died")] == ["exit status 1"] * DIES_TOO
    assert scene.case.outcome == ("failed" if DIES_TOO else "passed")
    if DIES_TOO:
        assert scene.lacks("✗ workers that died 1 = 0", "AttributeError", "a supervisor must start") == []


def test_what_runs_is_cancelled_and_lost_if_its_results_are_away_too(scenes: Scenes) -> None:
    """Cancelling begins by storing a state; where that fails, the end of the child is taken for a revocation."""
    scene = scenes["test_cancelling_what_runs"]
    assert scene.classes == {TaskClass.LOST: 1}
    assert "it was revoked and acknowledged while process" in scene.reasons
    assert set(scene.history.states.values()) == {"REVOKED"}
    assert scene.lacks("✗ lost 1 = 0", "set worker_cancel_long_running_tasks_on_connection_loss=False") == []
