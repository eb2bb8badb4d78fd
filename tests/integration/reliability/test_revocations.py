"""Tasks that are revoked, or expire: what a worker throws away, and what it has forgotten."""

from __future__ import annotations

from pytest_celery_perf.measure.outcomes import TaskClass
from tests.integration.reliability.scenes import Scenes

SCENES = "revocations"


def test_what_is_revoked_in_time_never_begins(scenes: Scenes) -> None:
    scene = scenes["test_before_it_begins"]
    assert scene.classes == {TaskClass.COMPLETED: 1, TaskClass.FAILED: 1}
    assert "it was revoked before it began" in scene.reasons
    assert scene.lacks("✗ failed 1 = 0") == []


def test_what_is_revoked_while_it_runs_is_not_called_lost(scenes: Scenes) -> None:
    """Somebody wanted it; of a connection that broke nobody did."""
    scene = scenes["test_while_it_runs"]
    assert scene.classes == {TaskClass.FAILED: 1}
    assert "it was revoked while process" in scene.reasons
    assert set(scene.history.states.values()) == {"REVOKED"}
    assert scene.lacks("✗ failed 1 = 0") == []
    assert "worker_cancel_long_running_tasks_on_connection_loss" not in scene.told


def test_a_worker_takes_with_it_what_it_knew_to_be_revoked(scenes: Scenes) -> None:
    """Its successor has no peer to ask, and runs the task."""
    scene = scenes.passed("test_forgotten_with_its_worker")
    (late,) = (each for each in scene.tasks if each.life.name == "mill.late")
    assert late.task_class is TaskClass.COMPLETED
    assert len(late.life.started) == 1


def test_what_expires_while_its_worker_dies_is_lost(scenes: Scenes) -> None:
    """It had begun in time. With a visibility timeout of an hour, whatever expires within one is lost like this."""
    scene = scenes["test_expired_when_it_comes_again"]
    assert scene.classes == {TaskClass.LOST: 1}
    assert "its message had expired when it was delivered again" in scene.reasons
    assert set(scene.history.states.values()) == {"REVOKED"}
    assert scene.lacks("✗ lost 1 = 0", "expires= holds for a redelivery, too", "let it expire later than") == []


def test_what_expires_while_it_runs_comes_to_its_end(scenes: Scenes) -> None:
    """The second delivery is discarded; the first one is waited for, and its result replaces the other's REVOKED."""
    scene = scenes.passed("test_expired_while_it_runs")
    assert scene.classes == {TaskClass.COMPLETED: 1}
    assert len(scene.begun) == 1
    assert set(scene.history.states.values()) == {"SUCCESS"}
