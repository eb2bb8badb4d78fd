from __future__ import annotations

import pytest
from diary.models import Entry
from stock import tasks

pytestmark = pytest.mark.django_db(transaction=True, databases="__all__")


def pids(celery_perf) -> set[int]:
    return {worker.pid for worker in celery_perf.workers}


def workers_of(celery_perf) -> list[str]:
    return [execution.worker.partition("@")[0] for execution in celery_perf.history.executions]


@pytest.fixture(scope="module")
def seen():
    return {}


fast = pytest.mark.celery_worker(name="fast", queues="quick", concurrency=1)
slow = pytest.mark.celery_worker(name="slow", queues=["bulk", "celery"], concurrency=1)


class TestReuse:
    @fast
    @slow
    def test_1_first(self, celery_perf, seen):
        seen["pids"] = pids(celery_perf)
        assert len(seen["pids"]) == 2
        for queue in ("quick", "bulk", "quick"):
            tasks.count_items.apply_async(queue=queue)
        celery_perf.wait()
        assert sorted(workers_of(celery_perf)) == ["fast", "fast", "slow"]

    @fast
    @slow
    @pytest.mark.celery_routing(queue="quick")
    def test_2_same(self, celery_perf, seen):
        assert pids(celery_perf) == seen["pids"]
        tasks.count_items.apply_async(queue="quick")

    @fast
    @slow
    @pytest.mark.celery_recovery(kill="worker", at="started", within="60s")
    def test_3_killed(self, celery_perf, seen):
        assert pids(celery_perf) == seen["pids"]
        tasks.survive.delay()

    @fast
    @slow
    def test_4_new(self, celery_perf, seen):
        assert not pids(celery_perf) & seen["pids"]
        assert celery_perf.run(tasks.count_items).succeeded == 1

    @pytest.mark.celery_worker(concurrency=1)
    def test_5_oldest(self, celery_perf, seen):
        seen["oldest"] = pids(celery_perf)

    @pytest.mark.celery_worker(pool="solo")
    def test_6_second(self, celery_perf, seen):
        seen["second"] = pids(celery_perf)

    @pytest.mark.celery_worker(pool="threads", concurrency=1)
    def test_7_evicts(self, celery_perf, seen):
        """The fourth topology: the first one goes."""

    @pytest.mark.celery_worker(concurrency=1)
    def test_8_kept(self, celery_perf, seen):
        assert pids(celery_perf) == seen["oldest"]

    @fast
    @slow
    def test_9_evicted(self, celery_perf, seen):
        assert not pids(celery_perf) & seen["pids"]
        assert celery_perf.run(tasks.count_items).succeeded == 1


@pytest.mark.celery_worker(config={"worker_prefetch_multiplier": 7}, env={"TOWN_COLOUR": "green"})
def test_config_and_environment(celery_perf):
    celery_perf.run(tasks.describe)
    assert '"TOWN_COLOUR": "green"' in Entry.objects.get().text
