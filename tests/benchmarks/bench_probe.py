"""What the probe adds to an execution: the records of its start and its end, no queries."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys

from pytest_celery_perf.probe.config import VARIABLE, ProbeConfig
from pytest_celery_perf.rundir import RunDirectory
from tests.benchmarks.rows import Judged, Row

ROUNDS = 7


def main() -> list[Row]:
    rundir = RunDirectory.create()
    # Somebody must read the doorbell: a FIFO that is full costs an exception.
    bell = os.open(rundir.doorbell, os.O_RDONLY | os.O_NONBLOCK)
    probe = ProbeConfig(spool=str(rundir.spool), doorbell=str(rundir.doorbell), boot="benchmark", clock="")

    def cpu_us() -> tuple[float, float]:
        command = [sys.executable, "-m", "tests.benchmarks.tracing"]
        variables = {**os.environ, VARIABLE: probe.dump()}
        printed = subprocess.run(command, env=variables, capture_output=True, check=True, text=True).stdout
        os.read(bell, 1 << 16)
        probed, bare = printed.split()
        return float(probed) / 1e3, float(bare) / 1e3

    try:
        ours, reference = map(statistics.median, zip(*(cpu_us() for _ in range(ROUNDS)), strict=True))
    finally:
        os.close(bell)
        rundir.remove()
    return [
        Row(
            work="executing an empty task with the probe, CPU in the child; reference: without",
            ours=ours,
            reference=reference,
            unit="µs",
            goal=20,
            judged=Judged.DIFFERENCE,
        )
    ]
