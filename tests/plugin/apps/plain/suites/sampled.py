"""Workers, queues and the broker, watched; all of these pass under ``--celery-perf-measure=workers,broker``."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from office import add, app, burn, hoard, seep, stand
from redis import Redis

from pytest_celery_perf import CeleryPerf

MIB = 1 << 20

on_each_pool = pytest.mark.parametrize(
    "pool",
    [
        pytest.param(pool, marks=pytest.mark.celery_worker(name="staff", pool=pool, concurrency=1))
        for pool in ("prefork", "threads", "solo", "gevent")
    ],
)


@on_each_pool
def test_a_leak(celery_perf: CeleryPerf, pool: str) -> None:
    # One by one: while this process is held up, which looks at the worker, that has nothing to do.
    # With gevent, on Celery 5.5, that takes 2 s to fetch the next one.
    run = celery_perf.run(seep, (MIB, 0.02), times=20, concurrency=1, timeout="3min")
    growth = run.memory_growth
    assert growth is not None
    assert growth.bytes == pytest.approx(1000 * MIB, rel=0.15)
    assert growth.certain
    assert (growth.processes, run.workers["staff"].info.pool) == (1, pool)


@on_each_pool
def test_memory_and_cpu(celery_perf: CeleryPerf, pool: str) -> None:
    before = celery_perf.run(add, (1, 2)).workers["staff"].usage
    celery_perf.run(hoard, (120 * MIB, 0.03))
    after = celery_perf.run(burn, (0.5,)).workers["staff"].usage
    assert before is not None
    assert after is not None
    assert after.peak_bytes is not None
    assert before.peak_bytes is not None
    assert after.peak_bytes - before.peak_bytes > 110 * MIB
    assert (after.cpu_s or 0) - (before.cpu_s or 0) == pytest.approx(0.5, abs=0.4)
    assert after.uss_bytes is not None
    assert 0 < after.uss_bytes < after.rss_bytes <= after.rss_max_bytes
    assert after.processes == (2 if pool == "prefork" else 1)


@pytest.mark.parametrize(
    "pool",
    [
        pytest.param(pool, marks=pytest.mark.celery_worker(name="staff", pool=pool, concurrency=4))
        for pool in ("prefork", "threads")
    ],
)
def test_three_busy_slots_of_four(celery_perf: CeleryPerf, tmp_path: Path, pool: str) -> None:
    gates = [tmp_path / f"gate{number}" for number in range(3)]
    for gate in gates:
        os.mkfifo(gate)
        stand.delay(str(gate))
    opened = [os.open(gate, os.O_WRONLY) for gate in gates]  # returns when all have begun to read
    for each in opened:
        os.close(each)
    run = celery_perf.wait()
    worker = run.workers["staff"]
    assert (3, 3, run.concurrency) == (worker.concurrency_reached, worker.executions, 3)
    began = max(each.started_ns or 0 for each in run.history.executions)
    ended = min(each.ended_ns or 0 for each in run.history.executions)
    assert worker.active.mean(began, ended) == 3
    assert worker.utilisation is not None
    assert 0 < worker.utilisation <= 0.75
    assert worker.restarts == (0 if pool == "prefork" else None)


@pytest.mark.celery_worker(name="staff", concurrency=1, options="--max-tasks-per-child=1")
def test_a_child_recycled_twice(celery_perf: CeleryPerf) -> None:
    run = celery_perf.run(add, (1, 2), times=3)
    assert run.workers["staff"].restarts == 2
    assert len({each.pid for each in run.history.executions}) == 3


@pytest.mark.parametrize(
    "most",
    [
        pytest.param(1, marks=pytest.mark.celery_worker(name="staff", pool="solo", concurrency=3)),
        pytest.param(4, marks=pytest.mark.celery_worker(name="staff", options="--autoscale=4,1")),
        pytest.param(3, marks=pytest.mark.celery_worker(name="staff", pool="threads", concurrency=3)),
    ],
)
def test_how_many_tasks_a_worker_runs_at_most(celery_perf: CeleryPerf, most: int) -> None:
    assert celery_perf.run(add, (1, 2)).workers["staff"].info.concurrency == most


@pytest.mark.celery_worker(pool="solo")
def test_depth_and_size_of_twenty_messages(celery_perf: CeleryPerf, tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    os.mkfifo(gate)
    stand.delay(str(gate))
    opened = os.open(gate, os.O_WRONLY)  # returns when the task has begun, and its worker takes no other
    for _ in range(20):
        add.delay(1, 2)
    with Redis.from_url(app.conf.broker_url) as redis:
        lying = [redis.lrange(key, 0, -1) for key in redis.scan_iter() if redis.type(key) == b"list"]
    os.close(opened)
    run = celery_perf.wait()
    queue = run.queues["celery"]
    assert (20, 0, 21, 21) == (queue.depth.max, queue.depth.last, queue.arrivals, queue.departures)
    assert run.broker is not None
    (size,) = run.broker.sizes
    (stood,) = (each.task_id for each in run.lives if each.name == "office.stand")
    messages = [text for texts in lying for text in texts if stood.encode() not in text]
    assert (20, 21) == (len(messages), size.messages)
    assert size.bytes > sum(map(len, messages)) > 20 * min(map(len, messages)) - 1


def test_what_is_left_in_redis(celery_perf: CeleryPerf) -> None:
    with Redis.from_url(app.conf.broker_url) as redis:
        redis.set("left", "x" * MIB)
        redis.set("passing", 1, ex=600)
        broker = celery_perf.run(add, (1, 2)).broker
    assert broker is not None
    assert (("left",), 2) == (broker.lasting_keys, broker.keys)
    assert broker.memory_after_bytes - broker.memory_before_bytes > MIB // 2


def test_unasked(celery_perf: CeleryPerf) -> None:
    """Without the option nobody looks."""
    run = celery_perf.run(add, (1, 2))
    assert (run.memory_growth, run.broker, run.history.samples) == (None, None, ())
    assert [each.usage for each in run.workers.values()] == [None]
