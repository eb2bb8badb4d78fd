"""Figures of tasks whose true values are known, on every pool; run under ``--celery-perf-measure``."""

from __future__ import annotations

from collections import Counter

import pytest
from agency.tasks import all_at_once, ask, connect, fetch, fill, log, spread, tally

from pytest_celery_perf.measure.registry import OF_EXECUTION

pytestmark = pytest.mark.django_db(transaction=True)


def figures(run, *metrics):
    (execution,) = run.history.executions
    assert execution.outcome == "succeeded", execution.error
    return [OF_EXECUTION[metric](execution) for metric in metrics]


class Pool:
    """What holds on every pool."""

    @pytest.mark.parametrize("alias", ["default", "other", "memory"])
    def test_two_of_five_reads_are_missed(self, celery_perf, alias):
        run = celery_perf.run(ask, [alias])
        metrics = ("cache_hits", "cache_misses", "cache_hit_ratio", "cache_sets", "cache_deletes", "keys_without_ttl")
        assert figures(run, *metrics) == [3, 2, 0.6, 3, 1, 1]
        (execution,) = run.history.executions
        assert {call.alias for call in execution.figures.cache.calls} == {alias}
        assert {call.where.function for call in execution.figures.cache.calls} == {"ask"}

    @pytest.mark.parametrize("alias", ["default", "other", "memory"])
    def test_what_is_computed_may_ask(self, celery_perf, alias):
        run = celery_perf.run(fill, [alias])
        lasting = 0
        assert figures(run, "cache_hits", "cache_misses", "cache_sets", "keys_without_ttl") == [1, 2, 2, lasting]

    def test_seven_lines_are_logged(self, celery_perf):
        run = celery_perf.run(log)
        assert figures(run, "log_records") == [7]
        (execution,) = run.history.executions
        told = {(text.level, text.text): (text.times, text.where.function) for text in execution.figures.logs.texts}
        assert told == {
            (30, "client %d does not answer"): (4, "log"),
            (40, "given up after # clients"): (1, "log"),
            (30, "printed by # task"): (1, "log"),
            (40, "looked for what is missing"): (1, "log"),
        }

    def test_three_connections_are_made(self, celery_perf, port, closed):
        run = celery_perf.run(connect, [port, closed])
        assert figures(run, "connections", "http_requests", "outbound_calls") == [3, 0, 4]
        (execution,) = run.history.executions
        told = [(each.host, each.port, each.made, each.failed) for each in execution.figures.outbound.connections]
        assert told == [("127.0.0.1", port, 3, 0), ("127.0.0.1", closed, 0, 1)]

    def test_five_requests_are_sent(self, celery_perf, port):
        run = celery_perf.run(fetch, [port])
        assert figures(run, "connections", "http_requests", "outbound_calls") == [3, 5, 5]
        (execution,) = run.history.executions
        told = [
            (each.method, each.host, each.path, each.status, each.times) for each in execution.figures.requests.requests
        ]
        assert told == [
            ("GET", "localhost", "/clients/#", 200, 2),
            ("POST", "localhost", "/missing", 404, 1),
            ("GET", "127.0.0.1", "/status", 200, 2),
        ]

    def test_children_of_each_attempt(self, celery_perf):
        executions = celery_perf.run(spread, [3]).history.executions
        told = sorted((each.name.rpartition(".")[2], OF_EXECUTION["children"](each)) for each in executions)
        assert told == [("idle", 0)] * 4 + [("spread", 1), ("spread", 3)] + [("spread_further", 1)] * 4

    def test_what_the_user_counts(self, celery_perf):
        run = celery_perf.run(tally)
        (execution,) = run.history.executions
        assert execution.figures.counters == run.counters == {"batches": 1, "rows": 500, "euros": 0.5}
        rows = {row.metric.name: (row.executions, row.max) for row in run.by_task[tally.name].figures}
        assert (rows["count batches"], rows["count rows"], rows["count euros"]) == ((1, 1), (1, 500), (1, 0.5))


class Several:
    """What needs that several tasks run at once."""

    def test_each_has_its_own(self, celery_perf, port):
        for number in range(1, 5):
            all_at_once.delay(number * 5, port)
        executions = celery_perf.wait().history.executions
        told = Counter()
        for each in executions:
            metrics = ("cache_misses", "log_records", "connections")
            (same,) = {*(OF_EXECUTION[metric](each) for metric in metrics), each.figures.counters["each"]}
            told[same] += 1
        assert told == {5: 1, 10: 1, 15: 1, 20: 1}


@pytest.mark.celery_worker(pool="prefork", concurrency=2)
class TestPrefork(Pool, Several):
    pass


@pytest.mark.celery_worker(pool="solo")
class TestSolo(Pool):
    pass


@pytest.mark.celery_worker(pool="threads", concurrency=4)
class TestThreads(Pool, Several):
    pass


@pytest.mark.celery_worker(pool="gevent", concurrency=4)
class TestGevent(Pool, Several):
    pass
