"""The same seed gives the same history: what happens is decided by events, not by the clock.

``CELERY_PERF_TEST_SAME_SEEDS=0-9`` tries more seeds.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from pytest_celery_perf.measure.journal import journal
from pytest_celery_perf.model.history import History
from pytest_celery_perf.report import json
from tests.integration.faults.conftest import Run

FIRST, LAST = map(int, os.environ.get("CELERY_PERF_TEST_SAME_SEEDS", "2-2").split("-"))
TIMES = 10
AT_ONCE = 2
OF_ANOTHER_CLOCK = ("published", "snapshot")
"""The test publishes, and looks at the broker, while the workers are at work: these lines stand anywhere in between."""


def told(history: History) -> str:
    """Tell a history without what differs in any case: ids, times, and `OF_ANOTHER_CLOCK`."""
    entries = journal(history, numbered=True)
    return "\n".join(f"{entry.actor}: {entry.text}" for entry in entries if entry.kind not in OF_ANOTHER_CLOCK)


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("seed", range(FIRST, LAST + 1))
def test_the_same_seed_gives_the_same_history(run: Run, tmp_path: Path, seed: int) -> None:
    histories: list[str] = []
    while len(histories) < TIMES:
        report = tmp_path / "report.json"
        settings = {"OFFICE_SEED": str(seed), "OFFICE_TIMES": str(AT_ONCE)}
        inner = run("repeats", f"--celery-perf-json={report}", env=settings)
        assert len(inner.passed) == AT_ONCE, inner.text
        histories += [told(test.history) for test in json.load(report.read_text()).tests]
    for history in histories[1:]:
        assert histories[0] == history, f"seed {seed}"
