"""Who goes first: priorities hold in the queue only, and what a worker has prefetched nobody else gets."""

from __future__ import annotations

from operator import attrgetter

from pytest_celery_perf.measure.outcomes import TaskClass
from pytest_celery_perf.model.record import Execution
from tests.integration.reliability.scenes import Scene, Scenes

SCENES = "priorities"


def _in_order_of_start(scene: Scene) -> list[Execution]:
    return sorted(scene.begun, key=attrgetter("started_ns"))


def test_the_lowest_number_goes_first(scenes: Scenes) -> None:
    """The other way round than with RabbitMQ."""
    scene = scenes.passed("test_in_the_queue")
    assert [each.priority for each in _in_order_of_start(scene)[1:]] == [0, 3, 6, 9]


def test_what_is_prefetched_goes_first_whatever_its_priority(scenes: Scenes) -> None:
    scene = scenes.passed("test_prefetched")
    assert [each.priority for each in _in_order_of_start(scene)] == [0, 9, 0]


def test_what_is_prefetched_waits_though_a_peer_is_idle(scenes: Scenes) -> None:
    scene = scenes.passed("test_beside_an_idle_peer")
    assert scene.classes == {TaskClass.COMPLETED: 4}
    done, kept = sorted(scene.begun, key=attrgetter("ended_ns"))[1::2]
    assert done.worker != kept.worker
    blocking = next(each for each in scene.begun if each.worker == kept.worker and each is not kept)
    assert kept.started_ns is not None
    assert blocking.ended_ns is not None
    assert done.ended_ns is not None
    assert kept.started_ns > blocking.ended_ns > done.ended_ns
