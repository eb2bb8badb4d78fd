"""Schedules have the rate that was asked for, at every moment."""

from __future__ import annotations

import bisect
import statistics
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_celery_perf.load.arrivals import schedule
from pytest_celery_perf.model.load import Arrivals, OpenLoop

NS_PER_S = 10**9
rates = st.floats(0.5, 500)


def loop(rate: float | tuple[float, float], *, duration_s: float | None = None, count: int | None = None) -> OpenLoop:
    ends = rate if isinstance(rate, tuple) else (rate, rate)
    lasts_s = duration_s if duration_s is not None else 2 * (count or 0) / sum(ends)
    return OpenLoop(rate_per_s=ends, duration_s=lasts_s, count=count, arrivals=Arrivals.CONSTANT)


def poisson(seed: int, **fields: Any) -> OpenLoop:
    return OpenLoop(**{"arrivals": Arrivals.POISSON, "seed": seed, **fields})


def test_constant_arrivals_are_equally_far_apart() -> None:
    assert schedule(loop(4, duration_s=1)) == (0, NS_PER_S // 4, NS_PER_S // 2, 3 * NS_PER_S // 4)
    assert schedule(loop(4, count=3)) == (0, NS_PER_S // 4, NS_PER_S // 2)


def test_a_ramp_comes_closer_and_closer() -> None:
    due = schedule(loop((10, 30), duration_s=2))
    gaps = [after - before for before, after in pairwise(due)]
    assert gaps == sorted(gaps, reverse=True)
    assert [10, 40] == [bisect.bisect_left(due, at * NS_PER_S) for at in (0.7320508, 2)]


def test_a_ramp_may_go_down() -> None:
    due = schedule(loop((30, 10), duration_s=2))
    gaps = [after - before for before, after in pairwise(due)]
    assert gaps == sorted(gaps)
    assert len(due) == 40


@given(first=rates, last=rates, count=st.integers(1, 300))
def test_a_count_is_kept_exactly_and_reached_at_the_end_of_the_ramp(first: float, last: float, count: int) -> None:
    planned = loop((first, last), count=count)
    due = schedule(planned)
    assert len(due) == count
    assert list(due) == sorted(due)
    assert due[0] == 0
    assert due[-1] < planned.duration_s * NS_PER_S


@given(first=rates, last=rates, count=st.integers(1, 300), seed=st.integers(0, 99))
def test_a_count_of_random_arrivals_is_kept_in_its_time(first: float, last: float, count: int, seed: int) -> None:
    planned = poisson(seed, rate_per_s=(first, last), duration_s=2 * count / (first + last), count=count)
    due = schedule(planned)
    assert len(due) == count
    assert list(due) == sorted(due)
    assert 0 <= due[0]
    assert due[-1] <= planned.duration_s * NS_PER_S


@given(seed=st.integers(0, 2**32))
def test_random_arrivals_are_those_of_their_seed(seed: int) -> None:
    planned = poisson(seed, rate_per_s=(50, 100), duration_s=1)
    assert schedule(planned) == schedule(planned)
    assert schedule(planned) != schedule(poisson(seed + 1, rate_per_s=(50, 100), duration_s=1))


@pytest.mark.parametrize("count", [None, 10_000])
@pytest.mark.parametrize("seed", range(5))
def test_gaps_between_random_arrivals_are_exponential(seed: int, count: int | None) -> None:
    """Mean and deviation are equal; a part 1/e of the gaps is longer than the mean."""
    due = schedule(poisson(seed, rate_per_s=(100, 100), duration_s=100, count=count))
    gaps_s = [(after - before) / NS_PER_S for before, after in pairwise(due)]
    assert statistics.fmean(gaps_s) == pytest.approx(0.01, rel=0.05)
    assert statistics.stdev(gaps_s) == pytest.approx(0.01, rel=0.05)
    assert sum(gap_s > 0.01 for gap_s in gaps_s) / len(gaps_s) == pytest.approx(0.368, abs=0.02)


@pytest.mark.parametrize("count", [None, 10_000])
@pytest.mark.parametrize("seed", range(5))
def test_a_random_ramp_has_its_rate_at_each_end(seed: int, count: int | None) -> None:
    due = schedule(poisson(seed, rate_per_s=(20, 180), duration_s=100, count=count))
    assert bisect.bisect_left(due, 25 * NS_PER_S) == pytest.approx(25 * 40, rel=0.15)
    assert len(due) - bisect.bisect_left(due, 75 * NS_PER_S) == pytest.approx(25 * 160, rel=0.15)
