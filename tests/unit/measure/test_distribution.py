"""Percentiles are real samples, and are refused where there are too few of them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_celery_perf.errors import NotEnoughSamplesError
from pytest_celery_perf.measure.distribution import Distribution

MS = 1_000_000
durations_ns = st.integers(min_value=0, max_value=10**15)


def distribution(count: int) -> Distribution:
    """Samples of 1 ms, 2 ms, …, in an order that is not sorted."""
    return Distribution.from_samples([MS * number for number in range(count, 0, -1)], "runtime")


def test_the_figures_of_a_hundred_samples() -> None:
    hundred = distribution(100)
    assert hundred.count == 100
    assert (hundred.min, hundred.p50, hundred.p95, hundred.p99, hundred.max) == (0.001, 0.050, 0.095, 0.099, 0.100)


def test_the_median_of_an_even_number_of_samples_is_one_of_them() -> None:
    assert distribution(6).p50 == 0.003


def test_what_was_not_measured_is_left_out() -> None:
    assert Distribution.from_samples([None, 2 * MS, None, 1 * MS], "runtime").samples_ns == (1 * MS, 2 * MS)


@pytest.mark.parametrize(("percent", "needed"), [(50, 5), (95, 20), (99, 100)])
def test_a_percentile_of_too_few_samples_is_an_error_that_says_what_to_write(percent: int, needed: int) -> None:
    with pytest.raises(NotEnoughSamplesError) as error:
        distribution(needed - 1).percentile(percent)
    assert f"p{percent} of the runtime needs {needed} samples, there are {needed - 1}" in str(error.value)
    assert f"celery_perf.run(task, times={needed})" in str(error.value)
    assert distribution(needed - 1).percentile_or_none(percent) is None
    assert distribution(needed).percentile_or_none(percent) is not None


def test_no_samples_have_neither_minimum_nor_maximum() -> None:
    nothing = distribution(0)
    with pytest.raises(NotEnoughSamplesError, match="min of the runtime needs 1 sample, there are 0"):
        _ = nothing.min
    with pytest.raises(NotEnoughSamplesError, match="max of the runtime needs 1 sample, there are 0"):
        _ = nothing.max
    assert distribution(1).min == distribution(1).max == 0.001


@given(st.lists(durations_ns, min_size=100, max_size=300), st.sampled_from([50, 95, 99]))
def test_a_percentile_is_the_smallest_sample_with_at_least_that_share_below_or_at_it(
    samples_ns: list[int], percent: int
) -> None:
    def share_reached(sample_ns: int) -> bool:
        return 100 * sum(other <= sample_ns for other in samples_ns) >= percent * len(samples_ns)

    expected_ns = min(sample for sample in samples_ns if share_reached(sample))
    assert expected_ns / 1e9 == Distribution.from_samples(samples_ns, "runtime").percentile(percent)
