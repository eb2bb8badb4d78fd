"""Each kind has its share of the tasks, in every stretch of them."""

from __future__ import annotations

from collections import Counter
from itertools import islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_celery_perf.load.mix import interleaved


def test_the_heavier_kind_comes_more_often_and_never_all_at_once() -> None:
    assert [0, 0, 1, 0, 2, 0, 0] == list(islice(interleaved([5, 1, 1]), 7))


@given(weights=st.lists(st.integers(1, 20), min_size=1, max_size=6), rounds=st.integers(1, 3))
def test_shares_are_exact_after_each_round(weights: list[int], rounds: int) -> None:
    drawn = Counter(islice(interleaved(weights), rounds * sum(weights)))
    assert [rounds * weight for weight in weights] == [drawn[kind] for kind in range(len(weights))]


@given(weights=st.lists(st.floats(0.1, 10), min_size=2, max_size=4), length=st.integers(1, 200))
def test_no_kind_is_ever_far_from_its_share(weights: list[float], length: int) -> None:
    drawn = Counter(islice(interleaved(weights), length))
    for kind, weight in enumerate(weights):
        assert drawn[kind] == pytest.approx(length * weight / sum(weights), abs=len(weights))
