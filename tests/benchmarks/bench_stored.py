"""What stored runs decide on machines of known noise: how often they cry wolf, and what they find."""

from __future__ import annotations

import math
import random
from collections import Counter
from collections.abc import Iterator

from scipy import stats

from pytest_celery_perf.measure.evidence import ALPHA
from pytest_celery_perf.measure.stored import Outlook, detectable
from pytest_celery_perf.measure.student import student_quantile
from pytest_celery_perf.model.verdict import Status
from tests.benchmarks.rows import Judged, Row

RUNS = 20
TRIALS, OF_NO_CHANGE = 2_000, 40_000
PUBLISHED = {0.05: 20, 0.10: 44, 0.15: 73}
"""Residual: the smallest detectable slowdown in percent, of 20 runs at 0.1 %."""


def main() -> list[Row]:
    """Compare figures with stored ones of the same log-normal noise, with and without a change."""
    return [*_alarms(), *_found(), *_oracle()]


def decided(residual: float, change: float, trials: int) -> Counter[Status]:
    """Return how often each status was the answer.

    Args:
        residual: The standard deviation of a figure's logarithm, from one run to the next.
        change: What the last run is slower by, as a share.
        trials: How many histories of `RUNS` runs.
    """
    dice = random.Random(f"{residual} {change}")
    found: Counter[Status] = Counter()
    for _ in range(trials):
        *stored, now = (math.exp(dice.gauss(0, residual)) for _ in range(RUNS + 1))
        outlook = Outlook.of("cpu", now * (1 + change), stored, unit=1.0, tolerance=0.05, noticeable=0.2, alpha=ALPHA)
        found[outlook.status] += 1
    return found


def _alarms() -> Iterator[Row]:
    for residual in (0.02, 0.05, 0.10):
        share = decided(residual, 0.0, OF_NO_CHANGE)[Status.FAIL] / OF_NO_CHANGE
        # Three standard deviations of a share that is as large as was promised.
        most = ALPHA + 3 * math.sqrt(ALPHA / OF_NO_CHANGE)
        work = f"stored runs that differ by {residual:.0%}, no change: FAIL"
        yield Row(work=work, ours=100 * share, unit="%", goal=100 * most, judged=Judged.OURS)


def _found() -> Iterator[Row]:
    for residual, change in ((0.02, 0.2), (0.05, 0.2), (0.05, 0.5), (0.10, 0.5)):
        found = decided(residual, change, TRIALS)
        for status in (Status.FAIL, Status.INCONCLUSIVE, Status.PASS):
            work = f"stored runs that differ by {residual:.0%}, {change:+.0%}: {status}"
            goal = 5.0 if status is Status.PASS else None
            yield Row(work=work, ours=100 * found[status] / TRIALS, unit="%", goal=goal, judged=Judged.OURS)


def _oracle() -> Iterator[Row]:
    worst = max(
        abs(student_quantile(alpha, degrees) / float(stats.t.isf(alpha, degrees)) - 1)
        for alpha in (0.05, 1e-3, 1e-6)
        for degrees in range(1, 60)
    )
    yield Row(work="Student's quantile beside scipy's: off by", ours=worst, unit="", goal=1e-6, judged=Judged.OURS)
    for residual, percent in PUBLISHED.items():
        ours = round(100 * detectable(residual, RUNS))
        work = f"smallest detectable slowdown where they differ by {residual:.0%}"
        yield Row(work=work, ours=ours, reference=percent, unit="%", goal=0, judged=Judged.DIFFERENCE)
