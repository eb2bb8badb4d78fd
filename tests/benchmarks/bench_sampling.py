"""What it costs to watch a worker every 20 ms, and whether a peak of 30 ms is seen."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from typing import NamedTuple

import redis
from kombu import Connection

from pytest_celery_perf.model.spec import WorkerSpec
from pytest_celery_perf.runner.sampling import MOVING, STIR_S, THREAD, Sampler
from pytest_celery_perf.worker.meters import ProcMeter
from tests.benchmarks.measuring import CannotMeasureError, alternate
from tests.benchmarks.rows import Judged, Row
from tests.benchmarks.workbench import on_stage

WORKER = WorkerSpec(name="watched", options=("-c", "2"))
"""A main process and two children."""
ROUNDS = 5
ROUND_S = 4.0
Watching = Callable[[], AbstractContextManager[None]]


class Work(NamedTuple):
    """What a worker does meanwhile."""

    doing: str
    task: str = ""
    arguments: tuple[float, ...] = ()
    tasks: int = 0
    """More than it can do in that time."""


WORK = (
    Work("that has nothing to do"),
    Work("whose tasks wait", "warehouse.pause", (0.02,), 600),
    Work("whose tasks take and free 40 MiB all the time", "warehouse.hoard", (40 << 20, 0.02), 600),
)
PEAKS = 5
PEAK_BYTES = 120 << 20
"""Held for 30 ms: who looks every 500 ms misses it."""
ACTOR = f"""
import sys, time
for _ in sys.stdin:
    held = b"x" * {PEAK_BYTES}
    time.sleep(0.03)
    del held
    print(flush=True)
"""


def main() -> list[Row]:
    if sys.platform != "linux":
        raise CannotMeasureError("only Linux has /proc")
    rows = [
        Row(
            work=f"watching a worker {doing}; reference: a thread that only wakes up every 20 ms",
            ours=ours,
            reference=waking,
            unit="% of a core",
            goal=0.2,
            judged=Judged.OURS,
        )
        for doing, ours, waking in _shares()
    ]
    return [*rows, Row(work="peaks of 30 ms missed", ours=_missed(), unit="of 5", goal=0, judged=Judged.OURS)]


def _shares() -> list[tuple[str, float, float]]:
    """Return what the worker does, what the sampler takes of a core meanwhile, and what it takes to wake up."""
    with on_stage(preload=True) as stage:
        pool = stage.pool_for((WORKER,))
        url = str(pool.probe.broker_url)

        def share(watching: Watching, work: Work) -> float:
            with Connection(url) as connection:
                for _ in range(work.tasks):
                    stage.app.send_task(work.task, work.arguments, connection=connection)
            with watching():
                taken = _share()
            with redis.Redis.from_url(url) as broker:
                broker.delete("celery")
            return taken

        figures = []
        for work in WORK:
            watching = partial(share, lambda: Sampler(pool).watching(), work)
            figures.append((work.doing, *alternate(watching, partial(share, _waking, work), ROUNDS)))
        return figures


@contextmanager
def _waking() -> Iterator[None]:
    """Have a thread wake up every 20 ms and do nothing."""
    over = threading.Event()
    thread = threading.Thread(target=_sleep, args=(over,), name=THREAD)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def _sleep(over: threading.Event) -> None:
    while not over.is_set():
        time.sleep(MOVING.sample_s)


def _share() -> float:
    """Return the percentage of a core that the one other thread of this process takes."""
    (ident,) = (thread.ident for thread in threading.enumerate() if thread.name == THREAD)
    clock = time.pthread_getcpuclockid(ident or 0)
    time.sleep(STIR_S)  # whoever begins to watch has not seen these processes before
    began_ns, cpu_ns = time.monotonic_ns(), time.clock_gettime_ns(clock)
    time.sleep(ROUND_S)
    return 100 * (time.clock_gettime_ns(clock) - cpu_ns) / (time.monotonic_ns() - began_ns)


def _missed() -> int:
    """Count the peaks that do not show."""
    command = [sys.executable, "-S", "-c", ACTOR]
    missed = 0
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as actor:
        if actor.stdin is None or actor.stdout is None:
            raise CannotMeasureError("there are no pipes")
        for _ in range(PEAKS):
            meter = ProcMeter(actor.pid)
            base_bytes = meter.rss_bytes(meter.tell()) or 0
            actor.stdin.write(b"\n")
            actor.stdin.flush()
            actor.stdout.readline()
            missed += (meter.peak_bytes() or 0) - base_bytes < 0.95 * PEAK_BYTES
            meter.close()
        actor.kill()
    return missed
