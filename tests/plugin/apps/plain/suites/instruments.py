"""Each instrument on tasks whose true value is known, on each pool; test_measure.py says what is asked for."""

from __future__ import annotations

from pathlib import Path
from statistics import median
from typing import Any

import pytest
from kombu.serialization import dumps
from office import answer, burn, call, delegate, hoard

from pytest_celery_perf import CeleryPerf
from pytest_celery_perf.measure.registry import OF_EXECUTION
from pytest_celery_perf.model.record import Execution

MIB = 1 << 20
RESULTS = Path.cwd() / "results"
RESULTS.mkdir(exist_ok=True)


def on(*pools: str, **settings: Any) -> pytest.MarkDecorator:
    """Run a test once on each pool."""
    return pytest.mark.parametrize(
        "pool",
        [
            pytest.param(pool, marks=pytest.mark.celery_worker(pool=pool, concurrency=1, config=settings))
            for pool in pools
        ],
    )


def figures(metric: str, executions: tuple[Execution, ...]) -> list[float | None]:
    return [OF_EXECUTION[metric](execution) for execution in executions]


@on("prefork", "solo")
def test_a_peak_of_30_ms_is_seen(celery_perf: CeleryPerf, pool: str) -> None:
    executions = celery_perf.run(hoard, (50 * MIB, 0.03), times=3).history.executions
    assert figures("memory_added", executions) == pytest.approx([50 * MIB] * 3, abs=3 * MIB)
    assert figures("memory_kept", executions) == pytest.approx([0] * 3, abs=3 * MIB)
    before = [execution.figures.memory.before_bytes for execution in executions if execution.figures.memory]
    assert figures("memory_peak", executions) == pytest.approx([each + 50 * MIB for each in before], abs=3 * MIB)


@on("threads", "gevent")
def test_memory_belongs_to_all_tasks(celery_perf: CeleryPerf, pool: str) -> None:
    executions = celery_perf.run(hoard, (MIB,)).history.executions
    assert figures("memory_peak", executions) == [None]


@on("prefork", "threads", "solo")
def test_cpu(celery_perf: CeleryPerf, pool: str) -> None:
    executions = celery_perf.run(burn, (0.03,), times=5).history.executions
    taken_s = figures("cpu", executions)
    # What interrupts an execution may be counted as its own: never less, and not of most.
    assert min(taken_s) >= 0.03
    assert median(taken_s) == pytest.approx(0.03, rel=0.03)
    assert all(share is not None and 0 < share <= 1 for share in figures("cpu_share", executions))


@on("prefork", "solo")
def test_cpu_of_threads_and_commands(celery_perf: CeleryPerf, pool: str) -> None:
    (execution,) = celery_perf.run(delegate, (0.03,)).history.executions
    use = execution.figures.cpu
    assert use is not None
    assert use.process_ns >= 30_000_000
    assert use.commands_ns >= 30_000_000
    assert (execution.cpu_ns or 0) < use.process_ns - 25_000_000


@on("prefork", "threads", "solo")
def test_the_share_of_a_task_that_waits(celery_perf: CeleryPerf, pool: str) -> None:
    (execution,) = celery_perf.run(hoard, (0, 0.2)).history.executions
    (share,) = figures("cpu_share", (execution,))
    assert share is not None
    assert 0 < share < 0.5


@on("prefork", "threads", "solo", "gevent", result_backend=f"file://{RESULTS}")
def test_payload(celery_perf: CeleryPerf, pool: str) -> None:
    (execution,) = celery_perf.run(answer, (10_000,)).history.executions
    embed = {"callbacks": None, "errbacks": None, "chain": None, "chord": None}
    assert figures("message_size", (execution,)) == [len(dumps([[10_000], {}, embed], serializer="json")[2])]
    (stored,) = RESULTS.glob(f"*{execution.task_id}")
    assert figures("result_size", (execution,)) == [stored.stat().st_size]
    assert stored.stat().st_size > 10_000


@on("prefork", "gevent", result_backend=f"file://{RESULTS}")
def test_an_ignored_result_is_not_stored(celery_perf: CeleryPerf, pool: str) -> None:
    assert figures("result_size", celery_perf.run(burn, (0,)).history.executions) == [0]


def test_without_a_backend_nothing_is_stored(celery_perf: CeleryPerf) -> None:
    assert figures("result_size", celery_perf.run(answer, (10_000,)).history.executions) == [0]


@on("prefork", "threads", "solo")
def test_calls(celery_perf: CeleryPerf, pool: str) -> None:
    executions = celery_perf.run(call, (1_000,), times=3).history.executions
    assert figures("calls", executions) == [1_001] * 3


@on("gevent")
def test_cpu_and_calls_belong_to_all_greenlets(celery_perf: CeleryPerf, pool: str) -> None:
    executions = celery_perf.run(call, (1_000,)).history.executions
    assert figures("calls", executions) == figures("cpu", executions) == figures("cpu_share", executions) == [None]
