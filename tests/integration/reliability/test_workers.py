"""The death of a whole worker: rows 6 to 10 of "What happens"."""

from __future__ import annotations

import pytest

from pytest_celery_perf.measure.outcomes import TaskClass
from tests.integration.reliability.scenes import Scenes, looks_often

SCENES = "workers"

HELD_BY_THE_DEAD = "which is dead, holds it in unacked"


@pytest.mark.parametrize("name", ["test_late_and_an_idle_peer", "test_scores_rewritten"])
def test_an_idle_peer_takes_nothing(scenes: Scenes, name: str) -> None:
    """A living worker looks every 100 s only, even where the visibility timeout has passed."""
    scene = scenes[name]
    assert scene.classes == {TaskClass.STRANDED: 1}
    assert HELD_BY_THE_DEAD in scene.reasons
    assert len(scene.begun) == 1
    assert scene.lacks("1 of 1 task had not finished", "died: killed by SIGKILL", "It was running mill.late") == []
    words = ("only after the visibility timeout, 1h, and up to 100s more until a worker looks", "In production ")
    assert scene.lacks(*words, " would take it within 1.03h.") == []


def test_what_is_restored_by_tag_is_taken_by_the_peer(scenes: Scenes) -> None:
    scene = scenes.passed("test_late_and_a_restored_message")
    assert scene.classes == {TaskClass.COMPLETED: 1}
    assert [each.redelivered for each in scene.begun] == [False, True]
    assert len({each.worker for each in scene.begun}) == 2


def test_what_runs_is_lost_and_what_waits_is_stranded(scenes: Scenes) -> None:
    scene = scenes["test_early_with_a_backlog"]
    assert scene.classes == {TaskClass.LOST: 2, TaskClass.STRANDED: 6}
    assert "it was acknowledged before it ended, and process" in scene.reasons
    assert f"{HELD_BY_THE_DEAD}, and never began it" in scene.reasons
    assert scene.lacks("✗ lost 2 = 0", "✗ stranded 6 = 0", "✗ workers that died 1 = 0", "(acks_late=False)") == []


def test_what_waits_is_recoverable(scenes: Scenes) -> None:
    scene = scenes["test_early_with_a_restored_backlog"]
    assert scene.classes == {TaskClass.LOST: 2, TaskClass.COMPLETED: 6}
    assert scene.lacks("✗ lost 2 = 0", "✓ stranded", "set acks_late=True and reject_on_worker_lost=True") == []


def test_solo_acknowledges_after_the_body(scenes: Scenes) -> None:
    scene = scenes["test_early_on_solo"]
    assert scene.classes == {TaskClass.COMPLETED: 1}
    assert len(scene.begun) == 2
    assert scene.lacks("acks_late=False, and not lost only since it was not acknowledged yet") == []


@looks_often
def test_a_peer_that_looks_often_takes_what_has_timed_out(scenes: Scenes) -> None:
    scene = scenes.passed("test_scores_rewritten_where_workers_look_often")
    assert scene.classes == {TaskClass.COMPLETED: 1}
    assert len({each.worker for each in scene.begun}) == 2


@pytest.mark.parametrize(("kill", "order"), [("kill_worker", [0, 0, 1, 2]), ("kill_child", [0, 1, 2, 0])])
def test_what_comes_back_goes_first_after_a_timeout_and_last_after_a_rejection(
    scenes: Scenes, kill: str, order: list[int]
) -> None:
    scene = scenes.passed(f"test_place_in_the_queue[{kill}]")
    published = [each.task_id for each in scene.history.publications]
    assert [published.index(each.task_id) for each in scene.begun] == order


def test_a_message_between_queue_and_unacked_is_lost(scenes: Scenes) -> None:
    """Acknowledged late or not: kombu takes it in one step and notes it in another."""
    scene = scenes["test_between_queue_and_unacked"]
    assert scene.classes == {TaskClass.LOST: 1}
    assert "its message is in neither queue nor unacked, and nobody runs it" in scene.reasons
    words = ("✗ lost 1 = 0", "was gone before it had noted it in unacked, which kombu does in two steps")
    assert scene.lacks(*words, "have something publish again what was never begun") == []
    assert "append-only" not in scene.told


def test_what_a_worker_knows_when_its_child_dies_is_no_chance(scenes: Scenes) -> None:
    scene = scenes["test_hears_late_of_a_child_that_dies"]
    assert scene.classes == {TaskClass.LOST: 1}
    assert {each.reason: each.unacked for each in scene.history.snapshots} == {"kill-child": (), "the end": ()}
