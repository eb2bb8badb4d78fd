"""What a load costs its driver, and what an open loop shows that a closed one hides."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from xml.etree import ElementTree as ET

from pytest_celery_perf.broker.lists import Lists
from pytest_celery_perf.load.line import Line, Order
from pytest_celery_perf.load.mix import Kind
from pytest_celery_perf.model.load import Way
from pytest_celery_perf.model.spec import WorkerSpec
from pytest_celery_perf.runner.stage import Stage
from pytest_celery_perf.runner.trial import Trial
from tests.benchmarks.measuring import alternate, run
from tests.benchmarks.rows import Row
from tests.benchmarks.workbench import PROJECT, on_stage

MESSAGES = 20_000
SINGLY = 2_000
ROUNDS = 5
UNHEARD = "unheard"
"""A queue that nobody consumes."""


def main() -> list[Row]:
    with on_stage() as stage:
        bulk_us, delay_us = _published(stage)
    figures = _stalled()
    return [
        Row(
            work=f"{MESSAGES:,} messages published in bulk and tracked: driver CPU per message; reference: .delay()",
            ours=bulk_us,
            reference=delay_us,
            unit="µs",
            goal=0.05,
        ),
        Row(
            work="a stall of 1 s at 80 % of capacity: p99 of a closed loop, which hides it; reference: of an open loop",
            ours=figures["closed_ms"],
            reference=figures["stalled_ms"],
            unit="ms",
            goal=0.2,
        ),
        Row(
            work="p99 of an open loop at 80 % of capacity without a stall; reference: with one of 1 s",
            ours=figures["open_ms"],
            reference=figures["stalled_ms"],
            unit="ms",
            goal=0.5,
        ),
    ]


def _published(stage: Stage) -> tuple[float, float]:
    """Return the microseconds of CPU that a message takes in bulk, and by ``.delay()`` without us."""
    pool = stage.pool_for((WorkerSpec(name="idle", options=("-c", "1"), start="cold"),))
    task: Any = stage.app.tasks["warehouse.nothing"]
    unheard = task.s().set(queue=UNHEARD)

    def in_bulk() -> float:
        trial = Trial(pool, reader=stage.reader, app=stage.app)
        lists = Lists(str(pool.probe.broker_url))
        with trial.tracking():
            line = Line(Kind(task=unheard), trial, lists, bulk=True)
            line.publish([Order(0, None), Order(1, None)])  # what the app publishes itself, with its connections
            trial.pump()
            began_s = time.process_time()
            line.publish([Order(number, None) for number in range(MESSAGES)])
            trial.pump()
            took_s = time.process_time() - began_s
            _check(trial, line)
        lists.close()
        return took_s / MESSAGES * 1e6

    def singly() -> float:
        trial = Trial(pool, reader=stage.reader, app=stage.app)
        with trial.tracking():
            trial.tracker.disconnect()
            unheard.delay()
            began_s = time.process_time()
            for _ in range(SINGLY):
                unheard.delay()
            return (time.process_time() - began_s) / SINGLY * 1e6

    return alternate(in_bulk, singly, ROUNDS)


def _check(trial: Trial, line: Line) -> None:
    open_tasks = len(trial.book.open)
    if line.published.way is not Way.COPIES or open_tasks != MESSAGES + 2:
        raise RuntimeError(f"{open_tasks} of {MESSAGES + 2} messages are tracked ({line.published})")


def _stalled() -> Mapping[str, float]:
    """Return the 99th percentiles, in milliseconds, that the tests of ``stalling.py`` tell."""
    with TemporaryDirectory() as directory:
        report = Path(directory) / "junit.xml"
        options = ["-c", "pytest.ini", f"--junitxml={report}", "--celery-perf-broker=process"]
        run([sys.executable, "-m", "pytest", *options, "stalling.py"], PROJECT)
        properties = ET.parse(report).iter("property")
        return {
            each.attrib["name"]: float(each.attrib["value"]) for each in properties if each.attrib["name"][-3:] == "_ms"
        }
