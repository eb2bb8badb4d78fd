"""What the probe adds to an execution: the records of its start and its end, no queries."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping

from pytest_celery_perf.probe.config import VARIABLE, ProbeConfig
from pytest_celery_perf.rundir import RunDirectory
from tests.benchmarks.measuring import alternate
from tests.benchmarks.rows import Judged, Row

ROUNDS = 9


def main() -> list[Row]:
    rundir = RunDirectory.create()
    # Somebody must read the doorbell: a FIFO that is full costs an exception.
    bell = os.open(rundir.doorbell, os.O_RDONLY | os.O_NONBLOCK)
    probe = ProbeConfig(spool=str(rundir.spool), doorbell=str(rundir.doorbell), boot="benchmark", clock="")

    def cpu_us(variables: Mapping[str, str]) -> float:
        command = [sys.executable, "-m", "tests.benchmarks.tracing"]
        printed = subprocess.run(command, env={**os.environ, **variables}, capture_output=True, check=True, text=True)
        while len(os.read(bell, 1 << 16)) == 1 << 16:
            pass
        return float(printed.stdout) / 1e3

    try:
        ours, reference = alternate(lambda: cpu_us({VARIABLE: probe.dump()}), lambda: cpu_us({}), ROUNDS)
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
