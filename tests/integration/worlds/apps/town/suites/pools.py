from __future__ import annotations

import pytest
from diary.models import Entry
from stock import tasks
from town.hanging import give_up

pytestmark = pytest.mark.django_db(transaction=True, databases="__all__")


def told() -> list[str]:
    return sorted(Entry.objects.values_list("text", flat=True))


class Pool:
    """What works on every pool."""

    @pytest.mark.celery_queries(exact=7)
    def test_queries(self, celery_perf):
        assert celery_perf.run(tasks.look_up, [7], times=10).succeeded == 10

    @pytest.mark.celery_retries(attempts=3, countdowns=[100, 200], final="succeeded")
    def test_retries(self):
        tasks.insist.delay()

    def test_failures(self, celery_perf):
        celery_perf.fail(tasks.count_items, with_=LookupError("nothing here"), times=2)
        run = celery_perf.run(tasks.count_items, times=3)
        assert (run.failed, run.succeeded, told()) == (2, 1, ["0"])

    def test_children(self, celery_perf):
        run = celery_perf.run(tasks.found_a_family, [3])
        assert (run.tasks, run.succeeded, told()) == (4, 4, ["child 0", "child 1", "child 2"])

    @pytest.mark.celery_recovery(kill="worker", at="started", within="60s")
    def test_kill_worker(self):
        tasks.survive.delay()

    @pytest.mark.celery_recovery(kill="worker", at="query:1", within="60s")
    def test_kill_worker_at_a_query(self):
        tasks.survive.delay()

    @pytest.mark.celery_recovery(kill="worker", at="started")
    def test_kill_worker_with_early_acknowledgment(self):
        tasks.perish.delay()

    def test_stack(self, celery_perf):
        give_up(celery_perf)


class Forking(Pool):
    """What needs child processes."""

    @pytest.mark.celery_recovery(kill="child", at="started", within="60s")
    def test_kill_child(self):
        tasks.survive.delay()

    @pytest.mark.celery_recovery(kill="child", at="started")
    def test_kill_child_with_early_acknowledgment(self):
        tasks.perish.delay()


class Concurrent(Pool):
    """What needs a process that runs several tasks at once."""

    def test_queries_at_once(self, celery_perf):
        for times in (3, 8):
            tasks.look_up_together.delay(times)
        celery_perf.wait()
        counts = [
            sum(use.count for use in execution.queries if use.phase == "body")
            for execution in celery_perf.history.executions
        ]
        assert sorted(counts) == [3, 8]


@pytest.mark.celery_worker(pool="prefork", concurrency=2)
class TestPrefork(Forking):
    pass


@pytest.mark.celery_worker(pool="prefork", concurrency=2, options="--max-tasks-per-child=1")
class TestRecycled(Forking):
    def test_each_task_has_a_process(self, celery_perf):
        run = celery_perf.run(tasks.who, times=4)
        assert run.succeeded == 4
        assert len(set(told())) == 4


@pytest.mark.celery_worker(pool="solo")
class TestSolo(Pool):
    pass


@pytest.mark.celery_worker(pool="threads", concurrency=4)
class TestThreads(Concurrent):
    pass


@pytest.mark.celery_worker(pool="gevent", concurrency=4)
class TestGevent(Concurrent):
    pass
