"""The gate on the example project: how often it cries wolf beside a busy neighbour, and what it finds.

Takes three hours. ``CELERY_PERF_BENCH_DECISIONS`` says how many decisions there shall be of each kind.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections import Counter
from pathlib import Path

from pytest_celery_perf.model.gate import Comparison
from pytest_celery_perf.model.verdict import Status
from tests.benchmarks.neighbour import busy_neighbour
from tests.benchmarks.regressed import Example, Repository
from tests.benchmarks.rows import Judged, Row

TESTS = ("tests/test_query_budgets.py",)
"""Fifteen tests, whose tasks take from half a millisecond to 200 ms."""
SHORT = ("-k", "not 100 and not 20 and not test_generate_outputs")
"""Without those that take half of an epoch's time: what is short is as hard to tell apart."""
MILL = Path(__file__).parents[1] / "plugin" / "apps" / "mill"
TEN_TESTS = """
import pytest
from mill import grind

@pytest.mark.parametrize("number", range(10))
def test_grind(celery_perf, number):
    celery_perf.run(grind)
"""
FALSE_ALARMS, REGRESSIONS = 200, 40
"""Decisions: how many the goals of the design speak of."""
SHARES = (0.2, 0.5, 1.0)
CONCERNED = {"sleep": "runtime", "cpu": "cpu", "memory": "memory"}
"""The metric that a kind of regression makes worse, whatever else it does."""
GOALS = {Status.FAIL: 5.0, Status.PASS: 10.0}
"""In percent: of +50 % and more, what is not caught; of +20 %, what passes."""


def main() -> list[Row]:
    """Make comparisons until there are enough."""
    with tempfile.TemporaryDirectory() as folder:
        cost = _cost(Path(folder, "mill"))
    with tempfile.TemporaryDirectory() as folder:
        repository = Example(Path(folder, "example"))
        with busy_neighbour():
            rows = [cost, _false_alarms(repository)]
        for kind, share in [
            *(("sleep", share) for share in SHARES),
            *(("cpu", share) for share in SHARES),
            ("memory", 0.2),
        ]:
            repository.worsen(kind, share)
            rows += _found(repository, kind, share)
            repository.mend()
    return rows


def _cost(folder: Path) -> Row:
    """Decide on ten tests of 20 ms tasks, by all that a test is compared by without a marker."""
    shutil.copytree(MILL, folder, ignore=shutil.ignore_patterns("suites", "__pycache__"))
    (folder / "amounts.py").write_text("GRIND_S = 0.02\nHOARD_BYTES = 1\nFAILS = False\n", encoding="utf-8")
    (folder / "test_mill.py").write_text(TEN_TESTS, encoding="utf-8")
    gate = Repository(folder).compare(["test_mill.py"])
    found = Counter(_status(each) for each in gate.comparisons)
    work = f"gate: ten tests of 20 ms tasks compared, {_told(found)}, {gate.epochs} epochs"
    return Row(work=work, ours=gate.duration_s, unit="s", goal=180, judged=Judged.OURS)


def _false_alarms(repository: Example) -> Row:
    found = _decisions(repository, _wanted(FALSE_ALARMS), {*CONCERNED.values()}, "the same code")
    work = f"gate: FAIL of {found.total()} comparisons of the same code, {_told(found)}"
    return Row(work=work, ours=found[Status.FAIL], unit="", goal=1, judged=Judged.OURS)


def _found(repository: Example, kind: str, share: float) -> list[Row]:
    found = _decisions(repository, _wanted(REGRESSIONS), {CONCERNED[kind]}, f"+{share:.0%} {kind}", *SHORT)
    work = f"gate: {kind} +{share:.0%}, {found.total()} comparisons, {_told(found)}"
    if share < SHARES[1]:
        passed = 100 * found[Status.PASS] / found.total()
        return [Row(work=f"{work}: PASS", ours=passed, unit="%", goal=GOALS[Status.PASS], judged=Judged.OURS)]
    missed = 100 - 100 * found[Status.FAIL] / found.total()
    return [Row(work=f"{work}: not caught", ours=missed, unit="%", goal=GOALS[Status.FAIL], judged=Judged.OURS)]


def _decisions(repository: Example, wanted: int, metrics: set[str], what: str, *options: str) -> Counter[Status]:
    """Compare again and again until there are enough decisions; what time ran out for counts, too."""
    found: Counter[Status] = Counter()
    while found.total() < wanted:
        gate = repository.compare(TESTS, "--celery-perf-budget-time=20min", *options)
        found.update(_status(each) for each in gate.comparisons if each.metric in metrics)
        sys.stderr.write(f"{what}: {_told(found)}, {gate.epochs} epochs in {gate.duration_s:.0f} s\n")
    return found


def _status(comparison: Comparison) -> Status:
    return comparison.decision.status if comparison.decision else Status.INCONCLUSIVE


def _told(found: Counter[Status]) -> str:
    return " ".join(f"{found[status]} {status}" for status in Status)


def _wanted(decisions: int) -> int:
    return int(os.environ.get("CELERY_PERF_BENCH_DECISIONS", decisions))
