"""Signals that end a worker: rows 19 to 23 of "What happens"."""

from __future__ import annotations

import pytest

from pytest_celery_perf.measure.outcomes import TaskClass
from pytest_celery_perf.model.units import NS_PER_S
from tests.integration.reliability.scenes import Scene, Scenes

SCENES = "shutdowns"


def _exit_status(scene: Scene) -> str:
    """Return what the first worker that ended said."""
    return scene.faults("worker-ended")[0].detail


def _took_s(scene: Scene) -> float:
    """Return how long the first worker took to end."""
    (order,), ended = scene.faults("stop-worker"), scene.faults("worker-ended")[0]
    return (ended.at_ns - order.at_ns) / NS_PER_S


def test_term_finishes_what_runs_and_restores_the_rest(scenes: Scenes) -> None:
    scene = scenes.passed("test_term")
    assert scene.classes == {TaskClass.COMPLETED: 4}
    assert len(scene.begun) == 4
    first = scene.begun[0].boot
    assert [each.boot == first for each in scene.begun] == [True, False, False, False]


def test_what_a_peer_has_taken_over_is_not_put_back_again(scenes: Scenes) -> None:
    """It holds it under the delivery tag that the worker had which has ended."""
    scene = scenes.passed("test_term_beside_a_peer")
    assert scene.classes == {TaskClass.COMPLETED: 4}
    assert len(scene.begun) == 4


def test_quit_puts_back_what_a_child_runs(scenes: Scenes) -> None:
    scene = scenes.passed("test_quit_prefork[late]")
    assert scene.classes == {TaskClass.COMPLETED: 1}
    assert len(scene.begun) == 2


def test_quit_loses_what_was_acknowledged(scenes: Scenes) -> None:
    """Its state says RETRY for ever."""
    scene = scenes["test_quit_prefork[early]"]
    assert scene.classes == {TaskClass.LOST: 1}
    assert scene.lacks("✗ lost 1 = 0", "(acks_late=False)", "the result backend says RETRY of mill.early") == []


@pytest.mark.gevent
def test_quit_loses_what_a_greenlet_runs(scenes: Scenes) -> None:
    """Acknowledged late or not."""
    scene = scenes["test_quit_gevent"]
    assert scene.classes == {TaskClass.LOST: 1}
    assert scene.lacks("✗ lost 1 = 0", "the gevent pool acknowledges what it runs when") == []
    assert "it was acknowledged before it ended, and process" in scene.reasons


def test_quit_waits_until_a_task_is_handed_over_to_its_thread(scenes: Scenes) -> None:
    """Before that Celery's handler of the signal waits for the locks of its own thread, for ever."""
    scenes.passed("test_quit_a_thread_that_has_just_begun")


def test_quit_fails_what_solo_runs(scenes: Scenes) -> None:
    """The handler of the signal runs in the middle of the task, which has to take what it raises for its own."""
    scene = scenes["test_quit_solo"]
    assert scene.classes == {TaskClass.FAILED: 1}
    assert scene.lacks("✗ failed 1 = 0", "NotImplementedError") == []
    assert "NotImplementedError" in scene.reasons
    assert "does not implement kill_job" in scene.reasons
    assert len(scene.begun) == 1


def test_quit_waits_for_threads(scenes: Scenes) -> None:
    scene = scenes.passed("test_quit_threads")
    assert scene.classes == {TaskClass.COMPLETED: 1}
    assert len(scene.begun) == 1
    assert _exit_status(scene) == "exit status 1"


def test_a_soft_shutdown_that_is_too_short_puts_back(scenes: Scenes) -> None:
    scene = scenes.passed("test_soft_and_too_short")
    assert scene.classes == {TaskClass.COMPLETED: 1}
    assert len(scene.begun) == 2


def test_a_soft_shutdown_sleeps_its_whole_time(scenes: Scenes) -> None:
    scene = scenes.passed("test_soft_and_long_enough")
    assert scene.classes == {TaskClass.COMPLETED: 1}
    assert len(scene.begun) == 1
    assert _took_s(scene) >= 3
