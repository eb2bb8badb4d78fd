"""A task that waits, on greenlets beside processes: how many a second, and what each takes in memory."""

from __future__ import annotations

from importlib.util import find_spec

from pytest_celery_perf.model.pools import PoolRun
from pytest_celery_perf.pools.compare import compare
from pytest_celery_perf.pools.plans import plans_of
from pytest_celery_perf.pools.work import Call
from tests.benchmarks.measuring import CannotMeasureError
from tests.benchmarks.rows import Row
from tests.benchmarks.workbench import on_stage

WAIT_S = 2.0
TIMEOUT_S = 120.0
GOAL = 15
"""Times the throughput."""


def main() -> list[Row]:
    if find_spec("gevent") is None:
        raise CannotMeasureError("gevent is not installed")
    with on_stage(preload=True) as stage:
        call = Call(task=stage.app.tasks["warehouse.pause"], args=(WAIT_S,))
        found = compare(stage, call, plans_of("prefork:8,gevent:200", "pools"), tasks=None, timeout_s=TIMEOUT_S)
    ours, reference = found["gevent:200"], found["prefork:8"]
    work = f"a task that waits for {WAIT_S:g} s, on gevent -c 200"
    return [
        Row(
            work=f"{work}: time per task; reference: prefork -c 8, at {GOAL} times the throughput or more",
            ours=1000 / (ours.throughput or 0),
            reference=1000 / (reference.throughput or 0),
            unit="ms",
            goal=1 / GOAL,
        ),
        Row(
            work=f"{work}: memory for each task that runs at once; reference: prefork -c 8",
            ours=_mebibytes(ours),
            reference=_mebibytes(reference),
            unit="MiB",
        ),
    ]


def _mebibytes(run: PoolRun) -> float:
    return (run.memory_each_bytes or float("nan")) / (1 << 20)
