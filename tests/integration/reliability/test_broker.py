"""The death of the broker: rows 12 to 15 of "What happens"."""

from __future__ import annotations

from pytest_celery_perf.measure.outcomes import TaskClass
from tests.integration.reliability.scenes import Scenes
from tests.versions import DIES_CANCELLING, DIES_WITH_A_FREE_SLOT, FORGETS_WHAT_RUNS

SCENES = "broker"


def test_all_that_waited_is_lost_without_an_append_only_file(scenes: Scenes) -> None:
    scene = scenes["test_without_its_data"]
    assert scene.classes == {TaskClass.COMPLETED: 1, TaskClass.LOST: 3}
    assert "the broker came back without its message" in scene.reasons
    assert len(scene.begun) == 1
    assert scene.lacks("✗ lost 3 = 0", "appendonly yes") == []


def test_nothing_is_lost_with_one(scenes: Scenes) -> None:
    scene = scenes["test_with_its_data"]
    if FORGETS_WHAT_RUNS:
        assert scene.classes == {TaskClass.DUPLICATED: 1, TaskClass.COMPLETED: 3}
        words = ("✗ executions 2 ≤ 1", "a prefork worker of Celery 5.5", "upgrade to Celery 5.6")
        assert scene.lacks(*words) == []
        return
    assert scene.case.outcome == "passed", scene.case.message
    assert scene.classes == {TaskClass.COMPLETED: 4}
    assert len(scene.begun) == 4


def test_a_worker_with_a_free_slot_dies(scenes: Scenes) -> None:
    scene = scenes["test_with_its_data_and_a_free_slot"]
    statuses = ["exit status 1"] if DIES_WITH_A_FREE_SLOT else []
    assert [fault.detail.partition(",")[0] for fault in scene.faults("worker-died")] == statuses
    assert scene.case.outcome == ("failed" if DIES_WITH_A_FREE_SLOT else "passed")
    if DIES_WITH_A_FREE_SLOT:
        assert scene.lacks("✗ workers that died 1 = 0", "AttributeError", "a supervisor must start") == []


def test_what_runs_is_cancelled_and_lost_if_its_results_are_away_too(scenes: Scenes) -> None:
    """Cancelling begins by storing a state; where that fails, the end of the child is taken for a revocation."""
    scene = scenes["test_cancelling_what_runs"]
    if DIES_CANCELLING:
        assert scene.classes == {TaskClass.COMPLETED: 1}
        assert len(scene.begun) == 2
        words = ("✗ workers that died 1 = 0", "ends if it cannot store that it cancels", "upgrade to Celery 5.7")
        assert scene.lacks(*words) == []
        return
    assert scene.classes == {TaskClass.LOST: 1}
    assert "it was revoked and acknowledged while process" in scene.reasons
    assert set(scene.history.states.values()) == {"REVOKED"}
    assert scene.lacks("✗ lost 1 = 0", "set worker_cancel_long_running_tasks_on_connection_loss=False") == []
