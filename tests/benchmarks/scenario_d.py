"""Runs scenario D: no-op tasks on four workers in turn: bare Celery, recorded, with results; AsyncTasQ."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import redis
from kombu import Connection

from pytest_celery_perf.measure.distribution import Distribution
from pytest_celery_perf.model.spec import WorkerSpec
from pytest_celery_perf.runner.stage import Stage
from pytest_celery_perf.worker.options import command_options
from tests.benchmarks.contenders import CONCURRENCY, AsyncTasQ, Celery, Side, bare
from tests.benchmarks.measuring import CannotMeasureError, seconds
from tests.benchmarks.workbench import APP, on_stage

BATCH = 1000
SPEC = WorkerSpec(name="recorded", options=("-c", str(CONCURRENCY)), start="cold")


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What the sides took."""

    tasks: int
    """Of each side."""
    plain: Celery
    recorded: Celery
    results: Celery
    other: AsyncTasQ | None
    """None where it is not installed."""
    delayed_s: float
    """What it took to publish the tasks to Celery one by one, as `delay` does."""
    latencies: Distribution
    """From release to end, of the recorded tasks."""
    other_latencies: Distribution | None
    """The same of AsyncTasQ's."""


def measure(tasks: int) -> Outcome:
    """Run all sides, up at the same time on one server; AsyncTasQ's is left out where it is not installed.

    Args:
        tasks: How many each runs.

    Raises:
        AssertionError: Not every result was stored.
    """
    with ExitStack() as stack:
        scratch = Path(stack.enter_context(TemporaryDirectory()))
        stage = stack.enter_context(on_stage())
        # The stage counts its databases from the first one.
        url, last = stage.broker.url, stage.broker.databases - 1
        other = _asynctasq(url(last), scratch)
        if other is not None:
            stack.enter_context(closing(other))
        pool = stage.pool_for((SPEC,))
        recorded = Celery(pool.members[0].worker.pid, stage.app, str(pool.probe.broker_url))
        command = ["pytest_celery_perf.probe", "-A", APP, "worker", *command_options(SPEC, "bare@benchmark")]
        plain, worker = bare(command, stage.app, url(last - 1), scratch / "plain")
        stack.enter_context(worker)
        results, worker = bare(command, stage.app, url(last - 2), scratch / "results", url(last - 3))
        stack.enter_context(worker)
        _in_turn([side for side in (recorded, plain, results, other) if side is not None], tasks, stage)
        if (stored := _stored(url(last - 3))) != tasks:
            raise AssertionError(f"{stored} of {tasks} results were stored")
        return Outcome(
            tasks=tasks,
            plain=plain,
            recorded=recorded,
            results=results,
            other=other,
            delayed_s=seconds(partial(_delay, stage, url(last - 4), tasks)),
            latencies=Distribution.from_samples(recorded.latencies_ns(pool), "latency of Celery"),
            other_latencies=None
            if other is None
            else Distribution.from_samples(other.latencies_ns(), "latency of AsyncTasQ"),
        )


def _asynctasq(url: str, scratch: Path) -> AsyncTasQ | None:
    try:
        return AsyncTasQ(url, scratch)
    except CannotMeasureError as lack:
        print(f"({lack})", end=" ", flush=True)
        return None


def _in_turn(sides: Sequence[Side], tasks: int, stage: Stage) -> None:
    """Have all sides work off their batches, each of them first as often as last."""

    def pause(left: int) -> None:
        """Take in the records, as a session does all the time, for at most half the time that the rest takes."""
        stage.reader.pump()
        stage.reader.spool.wait(min(0.05, max(0.002, left * 0.0005)), ends=left)

    for number, start in enumerate(range(0, tasks, BATCH)):
        for side in sides if number % 2 else reversed(sides):
            side.run(min(BATCH, tasks - start), pause)


def _delay(stage: Stage, url: str, tasks: int) -> None:
    with Connection(url) as connection:
        producer = stage.app.amqp.Producer(connection)
        for _ in range(tasks):
            stage.app.send_task("warehouse.nothing", producer=producer, queue="unheard")


def _stored(url: str) -> int:
    with closing(redis.Redis.from_url(url)) as results:
        return sum(1 for _ in results.scan_iter("celery-task-meta-*", count=1000))
