"""Results of what is lost: who waits for them waits for ever, and a chord is never completed."""

from __future__ import annotations

import pytest

from pytest_celery_perf.measure.outcomes import TaskClass
from tests.integration.reliability.scenes import Scenes

SCENES = "results"
CALLBACK = "mill.total"


def test_who_waits_for_a_lost_task_waits_for_ever(scenes: Scenes) -> None:
    """Its state stays PENDING, like that of a task that nobody has published."""
    scene = scenes["test_of_what_died_with_its_worker"]
    assert scene.classes == {TaskClass.LOST: 1}
    assert scene.lacks("✗ lost 1 = 0", "(acks_late=False)") == []


def test_the_timeout_of_get_does_not_hold_while_the_backend_is_away(scenes: Scenes) -> None:
    """It bounds the waiting for messages, not that for the server's answers."""
    assert scenes.passed("test_while_the_backend_is_away").classes == {TaskClass.COMPLETED: 2}


def test_a_chord_survives_a_child_whose_task_is_put_back(scenes: Scenes) -> None:
    scene = scenes.passed("test_chord_and_a_dead_child[safe]")
    assert scene.classes == {TaskClass.COMPLETED: 3}
    assert [each.name for each in scene.begun].count(CALLBACK) == 1


@pytest.mark.parametrize("name", ["test_chord_and_a_dead_child[late]", "test_chord_and_a_dead_worker"])
def test_a_chord_that_has_lost_a_task_never_has_its_callback_run(scenes: Scenes, name: str) -> None:
    """With a dead child its result says FAILURE, with a dead worker PENDING for ever."""
    scene = scenes[name]
    assert scene.classes == {TaskClass.COMPLETED: 1, TaskClass.LOST: 1}
    assert CALLBACK not in [each.name for each in scene.begun]
    assert scene.lacks("✗ lost 1 = 0") == []
