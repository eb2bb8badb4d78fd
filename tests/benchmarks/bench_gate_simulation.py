"""What the gate decides on machines of known noise, beside what was published of its procedure; scipy is the oracle."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

import numpy as np
from scipy import special, stats

from pytest_celery_perf.gate.schedule import EPOCHS, SAMPLES
from pytest_celery_perf.measure import evidence
from pytest_celery_perf.model.gate import GateMetric, Series
from pytest_celery_perf.model.verdict import Status
from tests.benchmarks.noise import ADVERSARIES, HOSTED, NASTY, QUIET, Floats, Noise
from tests.benchmarks.rows import Judged, Row

TOLERANCE, NOTICEABLE = 0.05, 0.20
RUNS = 2000
PUBLISHED_RUNS = 1000
"""The source does not tell how many runs its figures are of: so many are assumed."""
ATTACKS = 200_000
SURE = 0.999
"""With this probability, a correct procedure reaches all goals of one kind."""
EFFECTS = (0.0, 0.1, 0.2, 0.5)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shares:
    """What came of many runs."""

    failed: float
    passed: float
    epochs: float
    """The mean."""
    epochs_sd: float = 0.0

    @property
    def told(self) -> str:
        """The three, as the published table has them."""
        return f"{self.failed:.3g} / {self.passed:.3g} / {self.epochs:.3g}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """A machine, a quantile of so many samples, and what was published of it, if anything was, for each effect."""

    name: str
    noise: Noise
    percent: int
    samples: int
    published: tuple[tuple[float, float, float], ...] = ()


# As the gate has it, and as it was published.
# Source: the simulation from which the procedure was chosen: FAIL, PASS and mean epochs by true effect.
CELLS = (
    *(
        Cell(name=f"{name}, median of {SAMPLES}", noise=noise, percent=50, samples=SAMPLES)
        for name, noise in (("quiet", QUIET), ("hosted", HOSTED), ("nasty", NASTY))
    ),
    Cell(
        name="hosted, median of 20",
        noise=HOSTED,
        percent=50,
        samples=20,
        published=((0, 1, 5.3), (0.03, 0.97, 10.5), (0.97, 0.03, 13.7), (1, 0, 11)),
    ),
    Cell(
        name="hosted, p95 of 40",
        noise=HOSTED,
        percent=95,
        samples=40,
        published=((0, 1, 6.7), (0.04, 0.91, 17), (0.94, 0.03, 20), (1, 0, 11)),
    ),
    Cell(
        name="nasty, median of 20",
        noise=NASTY,
        percent=50,
        samples=20,
        published=((0, 1, 9), (0.02, 0.74, 24), (0.77, 0.04, 28), (1, 0, 11.5)),
    ),
    Cell(
        name="nasty, p95 of 40",
        noise=NASTY,
        percent=95,
        samples=40,
        published=((0, 0.89, 18), (0.01, 0.33, 32), (0.19, 0.04, 36), (0.99, 0, 17)),
    ),
)


def main() -> list[Row]:
    dice = np.random.default_rng(20261122)
    return [*_machines(dice), *_adversaries(dice), *_suites(dice), *_oracles(dice)]


# -- the procedure, for many runs at once ---------------------------------------------------


def log_evidence(excesses: Floats) -> Floats:
    """Return the logarithm of the e-value after each epoch, by scipy."""
    rates = np.array([2, 4, 8, 16, 32, 64, 128, 256]).reshape(-1, 1, 1)
    factors = math.log(2) + special.log_expit(2 * rates * excesses)
    found: Floats = special.logsumexp(np.cumsum(factors, axis=-1), axis=0) - math.log(len(rates))
    return found


def decided(differences: Floats, threshold: float) -> tuple[Floats, Floats]:
    """Return for each run 1, -1 or 0, as it FAILs, PASSes or neither, and after how many epochs."""
    fails = log_evidence(differences - math.log1p(TOLERANCE)) >= math.log(threshold)
    passes = log_evidence(math.log1p(NOTICEABLE) - differences) >= -math.log(evidence.BETA)
    ends = fails | passes
    last = np.where(ends.any(axis=1), ends.argmax(axis=1), EPOCHS - 1)
    runs = np.arange(len(differences))
    return np.where(fails[runs, last], 1.0, np.where(passes[runs, last], -1.0, 0.0)), last + 1.0


def by_the_gate(differences: Floats) -> tuple[float, float]:
    """Decide one run as the gate does: epoch by epoch, until there is an answer."""
    epochs = 0
    for epochs in range(1, len(differences) + 1):
        series = Series(base=(1.0,) * epochs, head=tuple(np.exp(differences[:epochs]).tolist()))
        answer = evidence.decide(
            series,
            GateMetric.RUNTIME,
            tolerance=TOLERANCE,
            noticeable=NOTICEABLE,
            threshold=evidence.threshold(1),
        ).status
        if answer is not Status.INCONCLUSIVE:
            return 1.0 if answer is Status.FAIL else -1.0, float(epochs)
    return 0.0, float(epochs)


# -- the rows ------------------------------------------------------------------------------


def _machines(dice: np.random.Generator) -> Iterator[Row]:
    """Yield what is decided on each machine, and how far that is from what was published."""
    figures = 3 * len(EFFECTS) * sum(bool(cell.published) for cell in CELLS)
    goal = round(float(stats.norm.isf((1 - SURE) / 2 / figures)), 2)
    unlike = checked = 0
    for cell in CELLS:
        for number, effect in enumerate(EFFECTS):
            differences = cell.noise.differences(dice, (RUNS, EPOCHS), cell.samples, cell.percent, effect)
            answers, epochs = decided(differences, evidence.threshold(1))
            for run in range(0, RUNS, 50):
                checked += 1
                unlike += (answers[run], epochs[run]) != by_the_gate(differences[run])
            found = Shares(
                failed=float(np.mean(answers == 1)),
                passed=float(np.mean(answers == -1)),
                epochs=float(epochs.mean()),
                epochs_sd=float(epochs.std()),
            )
            work = f"{cell.name}, {effect:+.0%}: FAIL / PASS / epochs {found.told}"
            if not cell.published:
                yield Row(work=work, ours=100 * found.failed, unit="% FAIL", judged=Judged.OURS)
                continue
            failed, passed, mean = cell.published[number]
            published = Shares(failed=failed, passed=passed, epochs=mean)
            yield Row(
                work=f"{work}, published {published.told}; difference",
                ours=_distance(found, published),
                unit="standard errors",
                goal=goal,
                judged=Judged.OURS,
            )
    yield Row(
        work="runs that `measure.evidence.decide` decides otherwise than the simulation",
        ours=unlike,
        unit=f"of {checked}",
        goal=0,
        judged=Judged.OURS,
    )


def _distance(found: Shares, published: Shares) -> float:
    """Return the largest of three differences, in standard errors of both simulations and of rounding."""
    both = 1 / RUNS + 1 / PUBLISHED_RUNS
    distances = [abs(found.epochs - published.epochs) / math.sqrt(found.epochs_sd**2 * both + 0.5**2 / 3)]
    for ours, theirs in ((found.failed, published.failed), (found.passed, published.passed)):
        share = (ours * RUNS + theirs * PUBLISHED_RUNS) / (RUNS + PUBLISHED_RUNS)
        distances.append(abs(ours - theirs) / math.sqrt(share * (1 - share) * both + 0.005**2 / 3))
    return max(distances)


def _adversaries(dice: np.random.Generator) -> Iterator[Row]:
    """Yield how often a head exactly at the tolerance FAILs, whatever the differences look like.

    The goal is `evidence.ALPHA`, and what chance may add in so many runs.
    """
    sure = 1 - (1 - SURE) / len(ADVERSARIES)
    most = float(stats.binom.ppf(sure, ATTACKS, evidence.ALPHA)) / ATTACKS
    for name, draw in ADVERSARIES.items():
        failed = 0
        for _ in range(ATTACKS // RUNS):
            excesses = draw(dice, (RUNS, EPOCHS))
            failed += int((log_evidence(excesses).max(axis=1) >= -math.log(evidence.ALPHA)).sum())
        yield Row(
            work=f"a head exactly at the tolerance, {name}: false FAILs within {EPOCHS} looks, of 100,000",
            ours=1e5 * failed / ATTACKS,
            unit="",
            goal=round(1e5 * most, 1),
            judged=Judged.OURS,
        )


def _suites(dice: np.random.Generator, suites: int = 60, comparisons: int = 200) -> Iterator[Row]:
    """Yield what comes of suites of a hundred tests with two metrics, of which two comparisons are 30 % worse."""
    alarms = missed = 0
    epochs_of_all = []
    for _ in range(suites):
        differences = HOSTED.differences(dice, (comparisons, EPOCHS), 20, 50, 0.0)
        differences[:2] += math.log1p(0.3)
        answers, epochs = decided(differences, evidence.threshold(comparisons))
        alarms += bool((answers[2:] == 1).any())
        missed += int((answers[:2] != 1).sum())
        epochs_of_all.append(epochs.mean())
    work = f"{suites} suites of {comparisons} comparisons, hosted, {np.mean(epochs_of_all):.2g} epochs on average"
    most = float(stats.binom.ppf(SURE, suites, evidence.FAMILY))
    yield Row(work=f"{work}: those with a false FAIL", ours=alarms, unit="suites", goal=most, judged=Judged.OURS)
    yield Row(
        work=f"{work}: regressions of +30 % not caught",
        ours=missed,
        unit=f"of {2 * suites}",
        goal=0.05 * 2 * suites,
        judged=Judged.OURS,
    )


def _oracles(dice: np.random.Generator) -> Iterator[Row]:
    """Yield how far our quantiles, evidence and detectable effects are from those of numpy and scipy."""
    quantile = product = effect = 0.0
    for _ in range(300):
        figures = dice.lognormal(-4, 0.5, int(dice.integers(1, 60))).tolist()
        for percent in (50, 95, 99):
            expected = np.quantile(figures, percent / 100, method="inverted_cdf")
            quantile = max(quantile, abs(evidence.epoch_quantile(figures, percent) - float(expected)))
        heads = np.exp(dice.normal(0.1, dice.uniform(0.01, 2), int(dice.integers(2, EPOCHS))))
        differences, needed = np.log(heads), evidence.threshold(int(dice.integers(1, 500)))
        by_scipy = float(log_evidence(differences[None, :])[0, -1])
        product = max(product, abs(evidence.log_evidence(differences.tolist()) - by_scipy))
        z = stats.norm.isf(1 / needed) + stats.norm.isf(evidence.BETA)
        detectable = math.expm1(z * stats.sem(differences))
        ours = evidence.decide(
            Series(base=(1.0,) * len(heads), head=tuple(heads.tolist())),
            GateMetric.RUNTIME,
            tolerance=TOLERANCE,
            noticeable=NOTICEABLE,
            threshold=needed,
        ).detectable
        effect = max(effect, abs((ours or 0.0) / detectable - 1))
    exact = partial(Row, unit="", goal=1e-9, judged=Judged.OURS)
    yield exact(work="quantiles of an epoch, difference from numpy's inverse of the distribution", ours=quantile)
    yield exact(work="logarithms of e-values, difference from scipy's", ours=product)
    yield exact(work="detectable effects, relative difference from scipy's", ours=effect)
