"""A visibility timeout that really passes: rows 11 and 18 of "What happens"."""

from __future__ import annotations

import pytest

from pytest_celery_perf.measure.outcomes import TaskClass
from pytest_celery_perf.model.record import Outcome
from tests.integration.reliability.scenes import Scenes, looks_often

SCENES = "visibility"
TRANSPORT = {"visibility_timeout": 4, "unacked_restore_interval": 1, "unacked_restore_throttle": 1}
"""Much longer than from the receipt to the acknowledgment of a task that does nothing: else that comes again, too."""


@looks_often
def test_a_peer_takes_what_a_dead_worker_held(scenes: Scenes) -> None:
    scene = scenes.passed("test_peer")
    assert scene.classes == {TaskClass.COMPLETED: 1}
    assert [each.redelivered for each in scene.begun] == [False, True]
    assert not scene.faults("restored")


@pytest.mark.parametrize("name", ["test_peer_by_default", pytest.param("test_gevent_peer", marks=pytest.mark.gevent)])
def test_a_peer_that_does_not_look_takes_nothing(scenes: Scenes, name: str) -> None:
    """By default a worker looks every 100 s; one on gevent never does while it is idle."""
    scene = scenes[name]
    assert scene.classes == {TaskClass.STRANDED: 1}
    assert "which is dead, holds it in unacked" in scene.reasons


@looks_often
def test_an_eta_beyond_it_is_run_several_times(scenes: Scenes) -> None:
    """Even by a single worker."""
    scene = scenes["test_eta"]
    assert scene.classes == {TaskClass.DUPLICATED: 1}
    words = ("✗ executions", "✗ longest countdown", "delivers late again every 4s until its ETA, and it runs up to 3×")
    assert scene.lacks(*words, "raise visibility_timeout in") == []


@looks_often
def test_a_run_beyond_it_is_overtaken(scenes: Scenes) -> None:
    """It is waited for until it ends, too."""
    scene = scenes["test_long_run"]
    assert scene.classes == {TaskClass.OVERLAPPING: 1}
    assert [each.outcome for each in scene.begun] == [Outcome.SUCCEEDED, Outcome.SUCCEEDED]
    assert len({each.pid for each in scene.begun}) == 2
    words = ("✗ ran twice at once", "✗ longest run", "Redis delivers hasty again after 4s, while it still runs")
    assert scene.lacks(*words, "the broker delivered again what still ran", "above the longest run") == []


@looks_often
def test_a_run_beyond_it_is_repeated(scenes: Scenes) -> None:
    scene = scenes["test_long_run_in_the_only_slot"]
    assert scene.classes == {TaskClass.DUPLICATED: 1}
    assert len({each.pid for each in scene.begun}) == 1
    assert scene.lacks("✗ executions 2 ≤ 1", "it ran to its end 2×") == []
