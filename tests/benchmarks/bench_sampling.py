"""What it costs to watch a worker every 20 ms, and whether a peak of 30 ms is seen."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from statistics import median

from pytest_celery_perf.model.spec import WorkerSpec
from pytest_celery_perf.runner.sampling import SAMPLE_S, Sampler
from pytest_celery_perf.worker.meters import ProcMeter
from tests.benchmarks.measuring import CannotMeasureError
from tests.benchmarks.rows import Judged, Row
from tests.benchmarks.workbench import on_stage

WORKER = WorkerSpec(name="watched", options=("-c", "2"))
"""A main process and two children."""
ROUNDS = 5
ROUND_S = 4.0
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
    ours, sleeping = _shares()
    row = Row(
        work="a worker tree watched every 20 ms",
        ours=ours,
        reference=sleeping,
        unit="% of a core",
        goal=0.2,
        judged=Judged.OURS,
    )
    return [row, Row(work="peaks of 30 ms missed", ours=_missed(), unit="of 5", goal=0, judged=Judged.OURS)]


def _shares() -> tuple[float, float]:
    """Return what the sampler takes of a core, and what a thread takes that only sleeps as long each time."""
    ours, sleeping = [], []
    with on_stage(preload=True) as stage:
        pool = stage.pool_for((WORKER,))
        for _ in range(ROUNDS):
            with Sampler(pool).watching():
                ours.append(_share())
            over = threading.Event()
            thread = threading.Thread(target=_sleep, args=(over,))
            thread.start()
            sleeping.append(_share())
            over.set()
            thread.join()
    return median(ours), median(sleeping)


def _share() -> float:
    """Return the percentage of a core that this process takes while this thread waits."""
    began_ns, cpu_ns = time.monotonic_ns(), time.process_time_ns()
    time.sleep(ROUND_S)
    return 100 * (time.process_time_ns() - cpu_ns) / (time.monotonic_ns() - began_ns)


def _sleep(over: threading.Event) -> None:
    while not over.is_set():
        time.sleep(SAMPLE_S)


def _missed() -> int:
    """Count the peaks that do not show."""
    command = [sys.executable, "-S", "-c", ACTOR]
    missed = 0
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as actor:
        if actor.stdin is None or actor.stdout is None:
            raise CannotMeasureError("there are no pipes")
        for _ in range(PEAKS):
            meter = ProcMeter(actor.pid)
            base_bytes = meter.rss_bytes() or 0
            actor.stdin.write(b"\n")
            actor.stdin.flush()
            actor.stdout.readline()
            missed += (meter.peak_bytes() or 0) - base_bytes < 0.95 * PEAK_BYTES
            meter.close()
        actor.kill()
    return missed
