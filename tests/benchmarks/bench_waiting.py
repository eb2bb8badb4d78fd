"""What a test pays for having its tasks run by a worker, and how soon it learns of their end."""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from xml.etree import ElementTree as ET

from tests.benchmarks.measuring import run
from tests.benchmarks.rows import Judged, Row
from tests.benchmarks.workbench import PROJECT

WARMUP = 5
"""The first test starts the broker and the workers, the next ones fill their caches."""


def main() -> list[Row]:
    with TemporaryDirectory() as directory:
        report = Path(directory) / "junit.xml"
        options = ["-c", "pytest.ini", f"--junitxml={report}", "--celery-perf-broker=process"]
        run([sys.executable, "-m", "pytest", *options, "waiting.py"], PROJECT)
        tests = ET.parse(report).findall(".//testcase")[WARMUP:]
    overheads = [float(test.attrib["time"]) * 1e3 - _property(test, "task_ms") for test in tests]
    noticed = [_property(test, "noticed_ms") for test in tests]
    row = partial(Row, judged=Judged.OURS)
    return [
        row(work="a test on a warm pool, beyond its task's own time", ours=median(overheads), unit="ms", goal=30),
        row(work="the end of the last task noticed, after", ours=median(noticed), unit="ms", goal=10),
        row(work="the same, too early", ours=sum(after < 0 for after in noticed), unit="tests", goal=0),
    ]


def _property(test: ET.Element, name: str) -> float:
    found = test.find(f".//property[@name='{name}']")
    if found is None:
        raise ValueError(f"{test.attrib['name']} has no property {name}: it failed")
    return float(found.attrib["value"])
