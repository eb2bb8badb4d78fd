"""Connections to the broker that break: rows 16 and 17 of "What happens"."""

from __future__ import annotations

import pytest

from pytest_celery_perf.measure.outcomes import TaskClass
from tests.integration.reliability.scenes import Scenes
from tests.versions import WAITS_BEHIND_ITSELF

SCENES = "connections"


@pytest.mark.parametrize("name", ["test_killed_by_the_broker", "test_reset"])
def test_what_runs_is_delivered_again_while_it_runs(scenes: Scenes, name: str) -> None:
    scene = scenes[name]
    first, again = scene.begun
    assert (first.started_ns or 0) < (again.received_ns or 0) < (first.ended_ns or 0)
    assert scene.lacks("✗ executions 2 ≤ 1") == []
    if WAITS_BEHIND_ITSELF:
        assert scene.classes == {TaskClass.DUPLICATED: 1}
        assert first.pid == again.pid
        return
    assert scene.classes == {TaskClass.OVERLAPPING: 1}
    assert first.pid != again.pid
    assert scene.lacks("✗ ran twice at once 1 = 0", "the broker delivered again") == []


def test_a_peer_runs_what_runs(scenes: Scenes) -> None:
    scene = scenes["test_reset_beside_a_peer"]
    assert scene.classes == {TaskClass.OVERLAPPING: 1}
    assert len({each.boot for each in scene.begun}) == 2
    assert scene.lacks("✗ ran twice at once 1 = 0", "✗ executions 2 ≤ 1", "the broker delivered again") == []


def test_what_runs_is_cancelled_first_if_so_configured(scenes: Scenes) -> None:
    scene = scenes.passed("test_reset_and_cancelled")
    assert scene.classes == {TaskClass.COMPLETED: 1}
    assert len(scene.begun) == 2


def test_what_is_published_after_a_reset_is_not_lost_if_the_broker_saw_it(scenes: Scenes) -> None:
    assert scenes.passed("test_published_after_a_reset").classes == {TaskClass.COMPLETED: 2}


def test_what_is_published_after_a_reset_is_lost_if_the_broker_did_not_see_it(scenes: Scenes) -> None:
    """It hands the message to the connection on which somebody had waited for one."""
    scene = scenes["test_published_after_a_reset_that_the_broker_does_not_see"]
    assert scene.classes == {TaskClass.COMPLETED: 1, TaskClass.LOST: 1}
    assert scene.lacks("✗ lost 1 = 0", "never received; not in unacked") == []


def test_a_worker_waits_for_ever_at_a_half_open_connection(scenes: Scenes) -> None:
    scenes.passed("test_half_open")


def test_a_worker_with_timeouts_comes_back_from_one(scenes: Scenes) -> None:
    """It may lose what waited in the queue meanwhile."""
    scene = scenes.passed("test_half_open_and_watchful")
    assert scene.classes[TaskClass.COMPLETED] >= 2
    assert set(scene.classes) <= {TaskClass.COMPLETED, TaskClass.LOST}
