from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_celery_perf.measure.steps import Steps, rate_per_s

S = 1_000_000_000
SPANS = st.lists(st.tuples(st.integers(0, 50), st.none() | st.integers(0, 50)), max_size=12)


def test_ten_that_come_and_go() -> None:
    steps = Steps.of([*((number, 100) for number in range(9)), (50, None)])
    assert (9, 10, 1) == (steps.at(49), steps.max, steps.last)
    assert (0, 1, 10, 1) == (steps.at(-1), steps.at(0), steps.at(99), steps.at(100))


def test_who_takes_a_place_that_becomes_free_is_not_beside_its_predecessor() -> None:
    assert Steps.of([(0, 5), (5, 9)]).max == 1


def test_who_ends_before_it_begins_was_never_there() -> None:
    assert Steps.of([(5, 4)]) == Steps()


def test_means_are_weighed_by_time() -> None:
    steps = Steps.of([(0, 10 * S), (0, 5 * S), (5 * S, 6 * S)])
    assert steps.mean(0, 10 * S) == pytest.approx(1.6)
    assert steps.mean(6 * S, 20 * S) == pytest.approx(4 / 14)
    assert steps.integral_s(2 * S, 4 * S) == pytest.approx(4)
    assert steps.mean(3, 3) is None


def test_the_mean_of_what_does_not_change_is_exact() -> None:
    steps = Steps(changes=((64_291_580_841_851, 1), (64_291_628_573_267, 2), (64_291_639_236_836, 3)))
    assert steps.mean(64_291_639_236_836, 64_291_660_192_161) == 3


@given(SPANS, st.integers(-5, 60))
def test_it_counts_those_that_last(spans: list[tuple[int, int | None]], at: int) -> None:
    lasting = sum(begins <= at and (ends is None or at < ends) for begins, ends in spans)
    assert lasting == Steps.of(spans).at(at)


def test_a_rate_is_of_the_intervals() -> None:
    assert rate_per_s([0, S, 2 * S, 3 * S, 4 * S]) == pytest.approx(1.0)
    assert rate_per_s([7]) is None
    assert rate_per_s([7, 7]) is None
