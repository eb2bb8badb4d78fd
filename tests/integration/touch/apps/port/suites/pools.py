"""The same points on every pool."""

from __future__ import annotations

import os

import pytest
from port.models import Ship
from port.tasks import drift, enlist, race, sail

pytestmark = pytest.mark.django_db(transaction=True, databases="__all__")

SAIL = ["started", "query", "query", "query", "commit", "cache", "publish", "connect", "finished", "acknowledgment"]


def kinds(history, task):
    return [each.kind for each in history.points if each.name == task.name]


class Pool:
    """What holds on every pool."""

    def test_points(self, celery_perf, lab, harbour):
        history = celery_perf.run(sail, ["Ada", harbour]).history
        assert kinds(history, sail) == SAIL
        assert [each.number for each in history.points if each.name == sail.name] == list(range(1, 11))

    def test_threads_of_a_task(self, celery_perf, lab):
        points = celery_perf.run(race, ["Ada"]).history.points
        touched = [(each.number, each.label, each.where and each.where.function) for each in points]
        assert touched[1:-3] == [(number, "set Ada", "_enter") for number in range(2, 8)]

    def test_raise(self, celery_perf, lab, harbour):
        lab.order("touch:6", "raise", error="builtins:ConnectionError")
        assert celery_perf.run(sail, ["Ada", harbour]).failed == 1

    def test_kill(self, celery_perf, lab, harbour):
        lab.order("touch:4", "kill-worker")
        history = celery_perf.run(sail, ["Ada", harbour]).history
        assert [each.outcome for each in history.executions if each.name == sail.name] == [None, "succeeded"]


class Asynchronous:
    """What gevent makes impossible: to Django all its greenlets run in the thread of an event loop."""

    def test_a_coroutine(self, celery_perf, lab, harbour):
        points = celery_perf.run(drift, ["Ada", harbour]).history.points
        touched = [(each.kind, each.where and each.where.function) for each in points]
        assert touched[1:-3] == [("query", "_drift"), ("cache", "_drift"), ("connect", "_drift")]


class Several:
    """What needs that several tasks run at once."""

    def test_hold_and_release(self, celery_perf, lab):
        """The first that counts waits before it adds; the second does both meanwhile."""
        lab.order("touch:3", "hold", task=enlist.name)
        for _ in range(2):
            enlist.delay("Ada")
        lab.await_fault("hold")
        lab.await_ends(1)
        assert Ship.objects.count() == 1
        lab.trial.release("order")
        celery_perf.wait()
        assert list(Ship.objects.values_list("name", flat=True)) == ["Ada 1", "Ada 1"]

    def test_points_of_two_at_once(self, celery_perf, lab, harbour):
        history = celery_perf.run(sail, ["Ada", harbour], times=4).history
        ids = {each.task_id for each in history.points if each.name == sail.name}
        numbers = {task: [each.number for each in history.points if each.task_id == task] for task in ids}
        assert sorted(map(len, numbers.values())) in ([4, 4, 4, 10], [4, 4, 10, 10], [4, 10, 10, 10], [10] * 4)
        assert all(each == list(range(1, len(each) + 1)) for each in numbers.values())


@pytest.mark.celery_worker(pool="prefork", concurrency=2)
class TestPrefork(Pool, Asynchronous, Several):
    pass


@pytest.mark.celery_worker(pool="solo")
class TestSolo(Pool, Asynchronous):
    pass


@pytest.mark.celery_worker(pool="threads", concurrency=4)
class TestThreads(Pool, Asynchronous, Several):
    pass


@pytest.mark.celery_worker(pool="gevent", concurrency=4)
class TestGevent(Pool, Several):
    pass


@pytest.mark.celery_worker(runtime="container", image=os.environ.get("PORT_IMAGE", "unknown"), concurrency=2)
class TestContainer(Pool, Asynchronous, Several):
    pass
