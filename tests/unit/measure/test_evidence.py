"""The gate's statistics: what is proved at which price, and what can never be proved by accident."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import product
from statistics import fmean

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_celery_perf.measure.evidence import (
    ALPHA,
    BETA,
    decide,
    decide_count,
    epoch_quantile,
    floor_of,
    levels,
    log_evidence,
    threshold,
)
from pytest_celery_perf.model.gate import Decision, GateCount, GateMetric, Series
from pytest_celery_perf.model.verdict import Status

EPOCHS = 40
RATES = (2, 4, 8, 16, 32, 64, 128, 256)
FAIL_AT = threshold(1)

excesses = st.lists(st.floats(-2, 2), min_size=1, max_size=EPOCHS)
seconds = st.floats(1.0, 100.0)
"""So long that no floor matters."""
pairs = st.lists(st.tuples(seconds, seconds), min_size=2, max_size=EPOCHS)


def decided(
    base: Sequence[float],
    head: Sequence[float],
    *,
    metric: str = GateMetric.RUNTIME,
    tolerance: float = 0.05,
    noticeable: float = 0.20,
    needed: float = FAIL_AT,
) -> Decision:
    series = Series(base=tuple(base), head=tuple(head))
    return decide(series, metric, tolerance=tolerance, noticeable=noticeable, threshold=needed)


def of(
    epochs: Sequence[tuple[float, float]],
    *,
    tolerance: float = 0.05,
    noticeable: float = 0.20,
    needed: float = FAIL_AT,
) -> Decision:
    base, head = [base for base, _ in epochs], [head for _, head in epochs]
    return decided(base, head, tolerance=tolerance, noticeable=noticeable, needed=needed)


# -- the evidence --------------------------------------------------------------------------


def test_the_evidence_of_one_epoch_is_the_mean_of_its_factors() -> None:
    expected = fmean(2 / (1 + math.exp(-2 * rate * 0.1)) for rate in RATES)

    assert expected == pytest.approx(math.exp(log_evidence([0.1])))


def test_products_are_averaged_not_factors() -> None:
    factors = [[2 / (1 + math.exp(-2 * rate * x)) for x in (0.1, -0.02, 0.3)] for rate in RATES]

    assert fmean(map(math.prod, factors)) == pytest.approx(math.exp(log_evidence([0.1, -0.02, 0.3])))


def test_without_an_excess_there_is_no_evidence() -> None:
    assert pytest.approx(0.0) == log_evidence([0.0] * EPOCHS)
    assert pytest.approx(0.0) == log_evidence([])


@given(st.lists(st.floats(0, 5), min_size=1, max_size=7))
def test_over_all_signs_the_evidence_is_one_on_average(sizes: list[float]) -> None:
    # This is what makes it valid: the signs of symmetric excesses are fair coins, whatever the sizes.
    flips = product((-1, 1), repeat=len(sizes))
    evidence = [
        math.exp(log_evidence([sign * size for sign, size in zip(signs, sizes, strict=True)])) for signs in flips
    ]

    assert pytest.approx(1.0) == fmean(evidence)


def ever_reached(size: float, evidence: float) -> float:
    """The exact probability that differences of one size and of any sign reach so much evidence in `EPOCHS` looks."""
    open_at = {0: 1.0}
    reached = 0.0
    for epoch in range(1, EPOCHS + 1):
        after: dict[int, float] = {}
        for above, probability in open_at.items():
            for more in (0, 1):
                after[above + more] = after.get(above + more, 0.0) + probability / 2
        proved = {
            above for above in after if log_evidence([size] * above + [-size] * (epoch - above)) >= math.log(evidence)
        }
        reached += sum(after.pop(above) for above in proved)
        open_at = after
    return reached


@pytest.mark.parametrize("size", [0.005, 0.02, 0.1, 0.5, 10.0])
def test_a_head_exactly_at_the_margin_seldom_reaches_any_evidence_however_often_one_looks(size: float) -> None:
    assert ever_reached(size, 1 / ALPHA) <= ALPHA
    assert ever_reached(size, 1 / BETA) <= BETA
    assert ever_reached(size, threshold(200)) <= 1 / threshold(200)


def test_these_bounds_are_not_reached_by_doing_nothing() -> None:
    assert ever_reached(10.0, 1 / ALPHA) >= 0.8 * ALPHA
    assert ever_reached(10.0, 1 / BETA) >= 0.6 * BETA


@given(st.lists(st.floats(-1e300, 1e300), min_size=1, max_size=EPOCHS))
def test_no_excess_is_too_large_for_a_float(values: list[float]) -> None:
    assert math.isfinite(log_evidence(values))


@given(st.data(), excesses, st.floats(0, 1))
def test_more_of_an_excess_is_never_less_evidence(data: st.DataObject, values: list[float], more: float) -> None:
    place = data.draw(st.integers(0, len(values) - 1))
    raised = [value + more * (place == number) for number, value in enumerate(values)]

    assert log_evidence(raised) >= log_evidence(values) - 1e-9


@given(st.data(), excesses)
def test_the_order_of_epochs_does_not_matter(data: st.DataObject, values: list[float]) -> None:
    assert pytest.approx(log_evidence(values)) == log_evidence(data.draw(st.permutations(values)))


# -- the decision --------------------------------------------------------------------------


def test_the_same_figures_pass_and_a_half_more_fails() -> None:
    base = [0.0201, 0.0203, 0.0199, 0.0202, 0.0200] * 3

    same = decided(base[:6], base[1:7])
    assert (Status.PASS, True) == (same.status, same.log_e_pass >= math.log(1 / BETA))

    slower = decided(base, [figure * 1.5 for figure in base])
    assert (Status.FAIL, True) == (slower.status, slower.log_e_fail >= math.log(1 / ALPHA))
    assert pytest.approx(0.5) == slower.effect
    assert pytest.approx(0.0, abs=1e-9) == slower.detectable


def test_no_fail_takes_less_than_ten_epochs_and_no_pass_less_than_five() -> None:
    # A factor is less than 2, so that E after n epochs is less than 2 to the n: luck alone decides nothing.
    assert Status.INCONCLUSIVE is decided([1.0] * 9, [9.0] * 9).status
    assert Status.FAIL is decided([1.0] * 11, [9.0] * 11).status
    assert Status.INCONCLUSIVE is decided([9.0] * 4, [1.0] * 4).status
    assert Status.PASS is decided([9.0] * 5, [1.0] * 5).status


def test_an_effect_within_the_tolerance_never_fails_and_a_noticeable_one_never_passes() -> None:
    wave = [1.0, 1.01] * (EPOCHS // 2)

    assert Status.PASS is decided(wave, [figure * 1.04 for figure in wave]).status
    assert Status.FAIL is decided(wave, [figure * 1.30 for figure in wave]).status
    assert Status.INCONCLUSIVE is decided(wave, [figure * 1.25 for figure in wave], needed=1e30).status


@pytest.mark.parametrize("useless", [0.0, -1.0, math.nan, math.inf])
def test_what_cannot_be_computed_is_neither_significant_nor_passed(useless: float) -> None:
    nothing = Decision(status=Status.INCONCLUSIVE, log_e_fail=0.0, log_e_pass=0.0, effect=None, detectable=None)

    assert nothing == decided([], [])
    assert nothing == decided([1.0] * EPOCHS, [*[9.0] * (EPOCHS - 1), useless])
    assert nothing == decided([*[9.0] * (EPOCHS - 1), useless], [1.0] * EPOCHS)


def test_series_of_unequal_length_are_a_mistake() -> None:
    with pytest.raises(ValueError, match="shorter"):
        decided([1.0, 1.0], [1.0])


@pytest.mark.parametrize("metric", GateMetric)
def test_a_difference_below_the_floor_passes_whatever_its_share(metric: GateMetric) -> None:
    base = floor_of(metric)

    assert Status.PASS is decided([base] * EPOCHS, [base * 1.9] * EPOCHS, metric=metric).status
    assert Status.FAIL is decided([base] * EPOCHS, [base * 2.5] * EPOCHS, metric=metric).status


def test_a_memory_that_grows_by_a_page_is_not_seen_as_grown() -> None:
    assert floor_of("memory") == 1 << 20


@given(pairs)
def test_a_floor_never_adds_to_the_evidence_of_a_fail(epochs: list[tuple[float, float]]) -> None:
    small = [(base * 1e-4, head * 1e-4) for base, head in epochs]

    assert of(small).log_e_fail <= of(epochs).log_e_fail + 1e-9


@given(pairs)
def test_swapped_arms_have_the_opposite_effect_of_the_same_spread(epochs: list[tuple[float, float]]) -> None:
    there, back = of(epochs), of([(head, base) for base, head in epochs])

    assert there.effect is not None
    assert back.effect is not None
    assert pytest.approx(1.0) == (1 + there.effect) * (1 + back.effect)
    assert pytest.approx(there.detectable, rel=1e-6, abs=1e-9) == back.detectable


@given(pairs)
def test_worse_by_more_than_nothing_is_better_by_less_than_nothing_with_the_arms_swapped(
    epochs: list[tuple[float, float]],
) -> None:
    # In hundred thousands of seconds, where a floor of a tenth of a millisecond is none.
    large = [(base * 1e5, head * 1e5) for base, head in epochs]
    there = of(large, tolerance=0.0, noticeable=0.0)
    back = of([(head, base) for base, head in large], tolerance=0.0, noticeable=0.0)

    assert pytest.approx(there.log_e_fail, abs=1e-3) == back.log_e_pass


@given(pairs, st.sampled_from([4.0, 1024.0]))
def test_the_unit_of_the_figures_does_not_matter(epochs: list[tuple[float, float]], factor: float) -> None:
    one, other = of(epochs), of([(base * factor, head * factor) for base, head in epochs])

    assert one.status is other.status
    for name in ("log_e_fail", "log_e_pass", "effect", "detectable"):
        assert pytest.approx(getattr(one, name), rel=1e-6, abs=1e-9) == getattr(other, name)


@given(st.data(), pairs, st.floats(1.0, 3.0))
def test_a_slower_head_is_more_evidence_of_worse_and_less_of_no_worse(
    data: st.DataObject, epochs: list[tuple[float, float]], times: float
) -> None:
    place = data.draw(st.integers(0, len(epochs) - 1))
    slower = [(base, head * (times if place == number else 1)) for number, (base, head) in enumerate(epochs)]

    assert of(slower).log_e_fail >= of(epochs).log_e_fail - 1e-9
    assert of(slower).log_e_pass <= of(epochs).log_e_pass + 1e-9


@given(st.data(), pairs)
def test_a_decision_does_not_depend_on_the_order_of_epochs(
    data: st.DataObject, epochs: list[tuple[float, float]]
) -> None:
    one, other = of(epochs), of(data.draw(st.permutations(epochs)))

    assert pytest.approx(one.log_e_fail) == other.log_e_fail
    assert pytest.approx(one.log_e_pass) == other.log_e_pass
    assert pytest.approx(one.effect) == other.effect


# -- what it takes, and what would have been seen ------------------------------------------


def test_the_more_comparisons_the_more_evidence_a_fail_takes() -> None:
    assert [1000.0, 1000.0, 20_000.0] == [threshold(1), threshold(10), threshold(200)]


def test_the_same_epochs_fail_alone_and_not_among_many() -> None:
    epochs = [(1.0, 2.0)] * 12

    assert Status.FAIL is of(epochs, needed=threshold(1)).status
    assert Status.INCONCLUSIVE is of(epochs, needed=threshold(200)).status


def test_the_detectable_effect_is_that_of_a_z_test() -> None:
    # d is ±0.1 in turns: s = 0.1 · √(4/3), E = 4; z(0.001) = 3.0902, z(0.05) = 1.6449.
    up, down = math.exp(0.1), math.exp(-0.1)
    expected = math.expm1((3.0902 + 1.6449) * 0.1 * math.sqrt(4 / 3) / 2)

    assert pytest.approx(expected, rel=1e-4) == decided([1.0] * 4, [up, down, up, down]).detectable


def test_one_epoch_has_an_effect_and_no_spread() -> None:
    one = decided([1.0], [1.5])

    assert one.effect == pytest.approx(0.5)
    assert one.detectable is None


def test_an_epoch_is_summed_up_by_a_sample_of_it() -> None:
    figures = [0.4, 0.1, 0.3, 0.2]

    assert [0.2, 0.4, 0.4] == [epoch_quantile(figures), epoch_quantile(figures, 95), epoch_quantile(figures, 100)]
    assert epoch_quantile([0.7]) == 0.7
    assert math.isnan(epoch_quantile([]))
    assert math.isnan(epoch_quantile([0.1, math.nan, 0.2]))


# -- what is told of it --------------------------------------------------------------------


@given(pairs)
def test_the_figures_told_never_contradict_the_effect(epochs: list[tuple[float, float]]) -> None:
    series = Series(base=tuple(base for base, _ in epochs), head=tuple(head for _, head in epochs))
    base, head = levels(series)

    effect = of(epochs).effect
    assert effect is not None
    assert head / base == pytest.approx(1 + effect)


def test_figures_of_epochs_that_were_slow_for_both_are_those_of_the_others() -> None:
    assert levels(Series(base=(10.0, 10.0, 90.0), head=(11.0, 11.0, 99.0))) == pytest.approx((10.0, 11.0))


def test_figures_do_not_shrink_where_most_epochs_grew() -> None:
    """The medians would: 40 in the base, 30 in the head."""
    base, head = levels(Series(base=(10.0, 40.0, 50.0), head=(11.0, 30.0, 55.0)))

    assert head == pytest.approx(base * 1.1)


@pytest.mark.parametrize(
    ("base", "head", "status"),
    [
        ((0.0,) * 10, (1.0,) * 10, Status.FAIL),
        ((0.0,) * 11, (0.75,) * 11, Status.FAIL),
        ((0.0,) * 9, (1.0,) * 9, Status.INCONCLUSIVE),
        ((0.0,) * 40, (0.01, *(0.0,) * 39), Status.INCONCLUSIVE),  # none of the base
        ((0.5,) * 8, (0.6,) * 8, Status.INCONCLUSIVE),
        ((0.01, *(0.0,) * 39), (0.0, 0.01, *(0.0,) * 38), Status.PASS),
        ((1.0,) * 10, (1.0,) * 10, Status.PASS),
        ((1.0,) * 10, (0.0,) * 10, Status.PASS),
    ],
)
@pytest.mark.parametrize("count", GateCount)
def test_more_of_a_count_takes_as_much_proof_as_more_time(
    base: tuple[float, ...], head: tuple[float, ...], status: Status, count: GateCount
) -> None:
    usual = 1.0 if count is GateCount.EXECUTIONS else 0.0
    series = Series(base=tuple(usual + each for each in base), head=tuple(usual + each for each in head))
    assert decide_count(series, count, FAIL_AT).status is status
