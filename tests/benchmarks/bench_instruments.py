"""How true the figures of an execution are, on tasks that say what they take; and what counting calls costs."""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from xml.etree import ElementTree as ET

from tests.benchmarks.measuring import run
from tests.benchmarks.rows import Judged, Row
from tests.benchmarks.workbench import PROJECT

OURS = ("cpu_error_", "peaks_", "calling_ms_")
"""What the properties begin with that the tests record."""


def main() -> list[Row]:
    with TemporaryDirectory() as directory:
        report = Path(directory) / "junit.xml"
        options = ["-c", "pytest.ini", f"--junitxml={report}", "--celery-perf-broker=process"]
        measure = "--celery-perf-measure=cpu,thread,memory"
        run([sys.executable, "-m", "pytest", *options, measure, "instruments.py"], PROJECT)
        told = {each.attrib["name"]: each.attrib["value"] for each in ET.parse(report).iter("property")}
    found = {name: float(figure) for name, figure in told.items() if name.startswith(OURS)}
    row = partial(Row, judged=Judged.OURS)
    return [
        *(
            row(work=f"CPU time of a busy loop of 30 ms on {pool}: the largest error", ours=error, unit="%", goal=3)
            for pool in ("prefork", "threads", "solo", "gevent")
            if (error := found.get(f"cpu_error_{pool}")) is not None
        ),
        row(work="20 peaks of 50 MiB, held for 30 ms: not seen", ours=found["peaks_unseen"], unit="peaks", goal=0),
        Row(
            work="CPU time of 10,000 Python calls while they are counted; reference: not",
            ours=found["calling_ms_counted"],
            reference=found["calling_ms_uncounted"],
            unit="ms",
        ),
    ]
