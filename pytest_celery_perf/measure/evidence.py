"""What the epochs of two arms prove: an e-process for "worse", one for "no worse", and what both could have shown.

An epoch gives one figure of each arm, and d = ln(head / base). The order within the epoch was random, so d is as likely
to be above its centre by some amount as below it by the same. Nothing more is assumed: no variance, no normal tails,
and no number of epochs that is fixed before, since an e-process may be looked at after each.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from statistics import NormalDist, fmean, median

from pytest_celery_perf.measure.distribution import nearest_rank
from pytest_celery_perf.model.gate import Decision, GateCount, GateMetric, Series
from pytest_celery_perf.model.verdict import Status

ALPHA = 0.001
"""How often at most a comparison without a regression may FAIL."""
FAMILY = 0.01
"""How often at most a run without a regression may have a comparison that FAILs, however many it has."""
BETA = 0.05
"""How often at most a comparison with a noticeable regression may PASS."""

_FLOORS: Mapping[GateMetric, float] = {
    GateMetric.RUNTIME: 1e-4,
    GateMetric.CPU: 1e-4,
    GateMetric.MEMORY: float(1 << 20),
    # These have the wake-ups of two processes and the broker's answers in them.
    GateMetric.DRAIN: 1e-3,
    GateMetric.QUEUE: 1e-3,
    GateMetric.END_TO_END: 1e-3,
}
"""A difference that nobody cares about, whatever share of the base it is: in seconds or bytes."""
_USUAL: Mapping[GateCount, float] = {
    GateCount.UNSUCCESSFUL: 0.0,
    GateCount.EXECUTIONS: 1.0,
    GateCount.FAILED_RUNS: 0.0,
}
"""What is counted where nothing goes wrong."""
_RATES = (2, 4, 8, 16, 32, 64, 128, 256)
"""From differences of which the size tells, to those of which only the sign does: one suits, whatever the spread."""
_LARGEST = 700.0
"""Of a logarithm that a float can still be the exponential of."""


def epoch_quantile(figures: Iterable[float], percent: int = 50) -> float:
    """Return what one arm took in one epoch: a real sample, of any number of them.

    Args:
        figures: Of all executions or runs of the epoch, in the metric's unit, in any order.
        percent: From 1 to 100.

    Returns:
        The nearest-rank quantile; not a number, if a figure is none or there is no figure.
    """
    ordered = sorted(figures)
    if not ordered or any(map(math.isnan, ordered)):
        return math.nan
    return ordered[nearest_rank(percent, len(ordered)) - 1]


def floor_of(metric: str) -> float:
    """Return the difference below which a head is no worse than its base, in the unit of a `GateMetric`."""
    return _FLOORS[GateMetric(metric)]


def threshold(comparisons: int) -> float:
    """Return the e-value that a FAIL takes.

    Args:
        comparisons: All that the run makes: of each metric, task and test.

    Source:
        Bonferroni's correction, on e-values: V. Vovk and R. Wang, "E-values: Calibration, combination and
        applications", Annals of Statistics 49 (2021).
    """
    return max(1 / ALPHA, comparisons / FAMILY)


def decide(series: Series, metric: str, *, tolerance: float, noticeable: float, threshold: float) -> Decision:
    """Decide what the epochs so far prove; to be asked after each, and no more after the first PASS or FAIL.

    FAIL: the head is worse than its base by more than the tolerance and by more than the floor of the metric. PASS: it
    is worse by less than what is noticeable, or than the floor. Between tolerance and noticeable both are true, and
    the first to be proved is the answer.

    Args:
        series: A quantile of each epoch and arm.
        metric: A `GateMetric`.
        tolerance: A share of the base: 0.05.
        noticeable: Likewise, and more.
        threshold: The e-value that a FAIL takes: see `threshold`.

    Returns:
        INCONCLUSIVE without evidence, if there is no epoch or an arm's figure is no positive number.
    """
    if not computable(series):
        return Decision(status=Status.INCONCLUSIVE, log_e_fail=0.0, log_e_pass=0.0, effect=None, detectable=None)
    floor = floor_of(metric)
    log_e_fail = log_evidence(_excess(series, tolerance, floor))
    log_e_pass = log_evidence(-excess for excess in _excess(series, noticeable, floor))
    if log_e_fail >= math.log(threshold):
        status = Status.FAIL
    elif log_e_pass >= -math.log(BETA):
        status = Status.PASS
    else:
        status = Status.INCONCLUSIVE
    differences = [math.log(head) - math.log(base) for base, head in _epochs(series)]
    return Decision(
        status=status,
        log_e_fail=log_e_fail,
        log_e_pass=log_e_pass,
        effect=_as_share(median(differences)),
        detectable=_detectable(differences, threshold),
    )


def decide_count(series: Series, count: str, threshold: float) -> Decision:
    """Decide whether more is counted in the head than in the base; to be asked after each epoch, as `decide` is.

    If it is no more in the head, the difference of an epoch is as likely to be above zero as below it by as much, or
    less likely, which is all that `log_evidence` assumes.

    Args:
        series: The share, or the number for each task, of each epoch and arm.
        count: A `GateCount`.
        threshold: The e-value that a FAIL takes.

    Returns:
        FAIL if that is proved. INCONCLUSIVE if it may be so: it was seen in the head and never in the base, or there is
        more of it by an e-value of 20. Else PASS.
    """
    usual = _USUAL[GateCount(count)]
    log_e = log_evidence(head - base for base, head in _epochs(series))
    status = Status.PASS
    if log_e >= math.log(threshold):
        status = Status.FAIL
    elif log_e >= -math.log(BETA) or max(series.head, default=usual) > usual >= max(series.base, default=usual):
        status = Status.INCONCLUSIVE
    return Decision(status=status, log_e_fail=log_e, log_e_pass=0.0, effect=None, detectable=None)


def means(series: Series) -> tuple[float, float]:
    """Return what was counted in base and head, in all epochs of `decide_count`: one or more."""
    return fmean(series.base), fmean(series.head)


def levels(series: Series) -> tuple[float, float]:
    """Return what base and head typically took, so that head is above base by the effect that was decided on.

    The medians of the two arms would not do: where the machine was slow for some epochs, they may come from different
    ones, and tell of less time beside an effect of more.

    Args:
        series: One that is `computable`.

    Source:
        Median polish, on logarithms, of a table with two columns: J. W. Tukey, Exploratory Data Analysis (1977).
    """
    logs = [(math.log(base), math.log(head)) for base, head in _epochs(series)]
    middle = median((base + head) / 2 for base, head in logs)
    half = median(head - base for base, head in logs) / 2
    return math.exp(middle - half), math.exp(middle + half)


def computable(series: Series) -> bool:
    """Whether there is an epoch, and every figure of both arms has a logarithm."""
    figures = (*series.base, *series.head)
    return bool(figures) and all(0 < figure < math.inf for figure in figures)


def log_evidence(excesses: Iterable[float]) -> float:
    """Return the logarithm of the e-value against "the excesses are symmetric about zero, or about less".

    Under that hypothesis each factor 2 / (1 + exp(-2kx)) has a mean of at most 1, since those of x and of -x add up to
    2. So has their product after any epoch, wherever one stops, and so has the mean of the products of several k: that
    it ever reaches E has a probability of at most 1/E.

    Args:
        excesses: One for each epoch, in the unit of logarithms.

    Source:
        Sign-flip e-values with the likelihood ratio of a logistic tilt; the bound is Ville's inequality:
        A. Ramdas, P. Grünwald, V. Vovk and G. Shafer, "Game-theoretic statistics and safe anytime-valid
        inference", Statistical Science 38 (2023).
    """
    values = tuple(excesses)
    products = [sum(_log_factor(2 * rate * value) for value in values) for rate in _RATES]
    largest = max(products)
    return largest + math.log(fmean(math.exp(product - largest) for product in products))


def _log_factor(tilt: float) -> float:
    """Return ln(2 / (1 + exp(-tilt))) of any tilt."""
    return math.log(2) + min(tilt, 0.0) - math.log1p(math.exp(-abs(tilt)))


def _excess(series: Series, share: float, floor: float) -> Iterable[float]:
    """Yield for each epoch by how much the head is above its base with a margin on it, as a logarithm.

    The floor can only widen the margin, so that it never adds to the evidence for a FAIL.
    """
    for base, head in _epochs(series):
        yield math.log(head) - math.log(max(base * (1 + share), base + floor))


def _epochs(series: Series) -> Iterable[tuple[float, float]]:
    return zip(series.base, series.head, strict=True)


def _detectable(differences: Sequence[float], threshold: float) -> float | None:
    """Return the smallest effect beyond the tolerance that such epochs show with a power of 1 - `BETA`.

    Source:
        The sample size of a one-sided z test, solved for the effect: J. Cohen, Statistical Power Analysis for the
        Behavioral Sciences, 2nd ed., section 12.
    """
    if len(differences) < 2:
        return None
    centre = fmean(differences)
    variance = sum((each - centre) ** 2 for each in differences) / (len(differences) - 1)
    normal = NormalDist()
    z = -normal.inv_cdf(1 / threshold) - normal.inv_cdf(BETA)
    return _as_share(z * math.sqrt(variance / len(differences)))


def _as_share(log_ratio: float) -> float:
    return math.expm1(min(log_ratio, _LARGEST))
