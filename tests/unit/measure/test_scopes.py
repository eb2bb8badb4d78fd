from __future__ import annotations

from pytest_celery_perf.measure.registry import METRICS, OF_EXECUTION
from pytest_celery_perf.measure.scopes import OF_QUEUE, OF_RUN, OF_WORKER
from pytest_celery_perf.measure.summary import Run
from pytest_celery_perf.model.history import History
from pytest_celery_perf.model.metric import Scope
from pytest_celery_perf.model.samples import BrokerUse, MessageSizes, Series, WorkerSamples
from tests.unit.histories import BOOT, at, execution, history, worker

MIB = 1 << 20
USE = BrokerUse(
    memory_before_bytes=5 * MIB,
    memory_after_bytes=4 * MIB,
    lasting_keys=("left",),
    keys=2,
    sizes=(MessageSizes(queue="celery", messages=3, bytes=600), MessageSizes(queue="side", messages=1, bytes=1000)),
)


def watched() -> History:
    series = Series(
        pid=811, at_ns=(at(0), at(9)), rss_bytes=(40 * MIB, 50 * MIB), cpu=((at(0), 0), (at(100), 25_000_000))
    )
    samples = (WorkerSamples(boot=BOOT, source="proc", series=(series,)),)
    runs = (execution("t1"), execution("t2", pid=812))
    return history(*runs, samples=samples, broker=USE, workers=(worker(), worker("boot-2", name="idle@host")))


def test_every_metric_is_named_once_in_the_registry() -> None:
    found = (*OF_EXECUTION, *OF_WORKER, *OF_QUEUE, *OF_RUN)
    assert set(METRICS) == set(found)
    assert len(METRICS) == len(found)


def test_what_was_watched_is_told() -> None:
    figures = {(each.metric.scope, each.of, each.metric.name): each.value for each in Run.of(watched()).figures}
    assert figures[Scope.WORKER, "main", "rss"] == 50 * MIB
    assert figures[Scope.WORKER, "main", "cores"] == 0.25
    assert figures[Scope.WORKER, "idle", "utilisation"] == 0
    assert figures[Scope.QUEUE, "celery", "depth"] == 2
    assert figures[Scope.RUN, "", "redis_memory"] == -MIB
    assert figures[Scope.RUN, "", "keys_left"] == 1
    assert figures[Scope.RUN, "", "queued_size"] == 400


def test_what_nobody_knows_is_left_out() -> None:
    names = {(each.of, each.metric.name) for each in Run.of(watched()).figures}
    unknown = {("main", "rss_peak"), ("main", "uss"), ("idle", "rss"), ("celery", "wait_p95"), ("", "memory_growth")}
    assert not names & unknown
    assert not names & {("", "all_cache_hits")}


def test_nothing_is_told_unasked() -> None:
    assert Run.of(history(execution())).figures == ()
