"""A publish that raises: nobody knows whether the message was sent."""

from __future__ import annotations

from pytest_celery_perf.measure.outcomes import TaskClass
from tests.integration.reliability.scenes import Scenes

SCENES = "publishing"
TRANSPORT = {"socket_timeout": 2, "socket_connect_timeout": 2}
"""Without these a publish into a black hole hangs for ever."""


def test_a_publish_that_was_refused_is_neither_lost_nor_done(scenes: Scenes) -> None:
    scene = scenes.passed("test_refused")
    assert scene.classes == {TaskClass.COMPLETED: 1, TaskClass.INDETERMINATE: 1}
    assert "publishing it raised, or never returned, and no worker received it" in scene.reasons


def test_a_publish_that_gave_up_may_have_been_sent(scenes: Scenes) -> None:
    """Who publishes again after the error, under a new id, has the task run twice."""
    scene = scenes.passed("test_given_up_in_a_black_hole")
    assert scene.classes == {TaskClass.COMPLETED: 2}
    assert [each.confirmed for each in scene.history.publications] == [True, False]
