"""What the plugin costs a suite that does not use it."""

from __future__ import annotations

import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.benchmarks.measuring import alternate, run
from tests.benchmarks.rows import Judged, Row

ROUNDS = 15


def main() -> list[Row]:
    with TemporaryDirectory() as directory:
        suite = Path(directory)
        (suite / "test_nothing.py").write_text("def test_nothing():\n    pass\n")

        def cpu_ms(*options: str) -> float:
            # CPU time, which an import is made of: other processes disturb it less than the clock on the wall.
            command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *options]
            return run(command, suite, {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"})[1] * 1e3

        ours, alone = alternate(lambda: cpu_ms("-p", "pytest_celery_perf.plugin"), cpu_ms, ROUNDS)
    return [
        Row(
            work="loading the plugin in a suite that does not use it, CPU; reference: pytest alone",
            ours=ours,
            reference=alone,
            unit="ms",
            goal=10,
            judged=Judged.DIFFERENCE,
        )
    ]
