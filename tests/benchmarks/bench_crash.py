"""What a crash test costs, and one of retries: all that they do beyond a test whose task just runs."""

from __future__ import annotations

import sys
from collections import defaultdict
from functools import partial
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from xml.etree import ElementTree as ET

from tests.benchmarks.measuring import run
from tests.benchmarks.rows import Judged, Row
from tests.benchmarks.workbench import PROJECT

COLD = 2
"""The first tests of each kind start the broker and the workers, and fill caches."""


def main() -> list[Row]:
    with TemporaryDirectory() as directory:
        report = Path(directory) / "junit.xml"
        options = ["-c", "pytest.ini", f"--junitxml={report}", "--celery-perf-broker=process"]
        run([sys.executable, "-m", "pytest", *options, "crashing.py"], PROJECT)
        times_s = _times_s(report)
    took_s = {kind: median(times) for kind, times in times_s.items()}
    nothing_s = took_s["test_nothing"]
    beyond = partial(Row, unit="s", reference=nothing_s, judged=Judged.DIFFERENCE)
    whole = partial(Row, unit="s", judged=Judged.OURS)
    return [
        beyond(
            work="a test in which a child dies; reference: one in which none does", ours=took_s["test_child"], goal=1.5
        ),
        beyond(
            work="a test in which a worker dies, visibility timeout 3600 s; reference: one in which none does",
            ours=took_s["test_worker"],
            goal=1.5,
        ),
        whole(work="the same, with all", ours=took_s["test_worker"], goal=3),
        whole(work="a test of 12 retries, up to 600 s apart", ours=took_s["test_backoff"], goal=3),
        whole(work="a crash sweep of 20 points", ours=took_s["test_sweep"], goal=30),
    ]


def _times_s(report: Path) -> dict[str, list[float]]:
    """Return how long the tests of each kind took, set-up and tear-down included."""
    times_s: dict[str, list[float]] = defaultdict(list)
    for test in ET.parse(report).findall(".//testcase"):
        times_s[test.attrib["name"].partition("[")[0]].append(float(test.attrib["time"]))
    return {kind: times[COLD:] for kind, times in times_s.items()}
