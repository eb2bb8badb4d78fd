"""Celery's formula of countdowns, compared with Celery itself, and growth without a formula."""

from __future__ import annotations

from typing import Any

import pytest
from celery.utils.time import get_exponential_backoff_interval
from hypothesis import given
from hypothesis import strategies as st

from pytest_celery_perf.judge.backoff import Schedule, is_exponential, is_fixed
from tests.unit.histories import options

factors = st.floats(min_value=0.1, max_value=1000)
caps = st.integers(min_value=0, max_value=100_000)
retries = st.integers(min_value=0, max_value=60)


def schedule(factor: float, cap_s: float, *, jitter: bool) -> Schedule:
    made = Schedule.of(options(retry_backoff=factor, retry_backoff_max_s=cap_s, retry_jitter=jitter))
    assert made is not None
    return made


@given(factors, caps, retries)
def test_without_jitter_the_countdown_is_celerys(factor: float, cap_s: int, attempt: int) -> None:
    countdown_s = get_exponential_backoff_interval(int(max(1.0, factor)), attempt, cap_s)
    assert schedule(factor, cap_s, jitter=False).bound_s(attempt) == countdown_s
    assert schedule(factor, cap_s, jitter=False).allows(attempt, countdown_s)


@given(factors, caps, retries)
def test_with_jitter_whatever_celery_draws_is_allowed(factor: float, cap_s: int, attempt: int) -> None:
    drawn_s = get_exponential_backoff_interval(int(max(1.0, factor)), attempt, cap_s, full_jitter=True)
    jittered = schedule(factor, cap_s, jitter=True)
    assert jittered.allows(attempt, drawn_s)
    assert jittered.allows(attempt, 0)
    assert not jittered.allows(attempt, jittered.bound_s(attempt) + 1)


@pytest.mark.parametrize("lacking", [{"autoretry": False}, {"retry_backoff": 0.0}])
def test_a_task_without_automatic_backoff_has_no_schedule(lacking: dict[str, Any]) -> None:
    assert Schedule.of(options(**lacking)) is None
    assert Schedule.of(None) is None


@pytest.mark.parametrize(("max_retries", "longest_s"), [(0, 0), (1, 2), (3, 8), (12, 600), (None, 600)])
def test_the_longest_countdown_that_a_schedule_comes_to(max_retries: int | None, longest_s: int) -> None:
    assert schedule(2, 600, jitter=True).longest_s(max_retries) == longest_s


@pytest.mark.parametrize(
    "countdowns_s",
    [
        (1, 2),
        (1, 2, 4, 8),
        (3, 9, 27),
        (2, 3, 5, 9),  # 2 ** n + 1
        (100, 200, 400, 600, 600),
        (300, 600, 600),
        (1.001, 1.999, 4.002),  # from ETAs
    ],
)
def test_exponential_growth(countdowns_s: tuple[float, ...]) -> None:
    assert is_exponential(countdowns_s)


@pytest.mark.parametrize(
    "countdowns_s",
    [(5, 5, 5), (10, 20, 30, 40), (4, 2, 1), (1, 2, 1), (0, 1, 2), (600, 600), (1, 1.1, 1.2), (1, 2, 4, 2, 4)],
)
def test_other_sequences(countdowns_s: tuple[float, ...]) -> None:
    assert not is_exponential(countdowns_s)


def test_a_known_cap_may_cut_the_last_step_short() -> None:
    assert not is_exponential((100, 200, 300))
    assert is_exponential((100, 200, 300), cap_s=300)


def test_fixed_countdowns_may_differ_by_milliseconds() -> None:
    assert is_fixed((5, 5.004, 4.998))
    assert not is_fixed((5, 5.1))
