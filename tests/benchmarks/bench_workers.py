"""How long workers take to be ready, and to be gone."""

from __future__ import annotations

import itertools
import statistics
from collections import defaultdict
from collections.abc import Callable
from contextlib import ExitStack, closing
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from pytest_celery_perf.model.spec import WorkerSpec
from pytest_celery_perf.runner.stage import Stage
from tests.benchmarks.measuring import seconds
from tests.benchmarks.rows import Judged, Row
from tests.benchmarks.workbench import APP, BareWorker, on_stage

ROUNDS = 5
OPTIONS = ("-c", "2")


def main() -> list[Row]:
    took: dict[str, list[float]] = defaultdict(list)
    numbers = itertools.count()
    with ExitStack() as stack:
        scratch = stack.enter_context(TemporaryDirectory())
        stage = stack.enter_context(on_stage(preload=True))
        _pool(stage, "warm", next(numbers))  # waits for the import, which a session does while it collects
        stage.stop_workers()
        url = stage.broker.url(stage.broker.databases - 1)
        celery = BareWorker(["celery", "-A", APP, "worker", *OPTIONS], url, Path(scratch))
        stack.enter_context(closing(celery))
        work: dict[str, tuple[Callable[[], object], Callable[[], object]]] = {
            "warm": (lambda: _pool(stage, "warm", next(numbers)), stage.stop_workers),
            "cold": (lambda: _pool(stage, "cold", next(numbers)), stage.stop_workers),
            "celery": (celery.start, celery.close),
        }
        for number in range(ROUNDS):
            for name in sorted(work, reverse=bool(number % 2)):
                start, stop = work[name]
                took[name].append(seconds(start))
                took[f"{name} gone"].append(seconds(stop))
    median = {name: statistics.median(times) for name, times in took.items()}
    row = partial(Row, unit="s")
    reference = "reference: `celery worker`"
    return [
        row(
            work=f"worker pool ready, Django, -c 2, warm; {reference}",
            ours=median["warm"],
            reference=median["celery"],
            goal=0.1,
        ),
        row(
            work=f"worker pool ready, Django, -c 2, cold; {reference}",
            ours=median["cold"],
            reference=median["celery"],
            goal=0.5,
        ),
        row(
            work="drained pool torn down; reference: Celery's warm shutdown",
            ours=median["warm gone"],
            reference=median["celery gone"],
            goal=0.1,
            judged=Judged.OURS,
        ),
    ]


def _pool(stage: Stage, start: str, number: int) -> None:
    stage.pool_for((WorkerSpec(name=f"worker{number}", options=OPTIONS, start=start),))
