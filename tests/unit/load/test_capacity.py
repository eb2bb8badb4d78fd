"""The search finds where a budget breaks, and tries no more rates than it needs."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_celery_perf.errors import ConfigurationError
from pytest_celery_perf.load.capacity import search
from pytest_celery_perf.measure.capacity import Capacity
from pytest_celery_perf.model.load import Step


def found(limit: float, between: tuple[float, float] = (10, 2000), precision: float = 0.1) -> Capacity:
    """Search on a topology that bears up to so many tasks a second."""

    def attempt(rate: float) -> Step:
        held = rate <= limit
        return Step(rate_per_s=rate, p95_s=0.1, late=0.0 if held else 1.0, throughput=rate, held=held)

    return Capacity(budget_s=1, workers=2, steps=search(attempt, between, precision))


@given(limit=st.floats(10, 1999), precision=st.floats(0.01, 0.5))
def test_the_limit_lies_between_what_held_and_what_did_not(limit: float, precision: float) -> None:
    capacity = found(limit, precision=precision)
    assert capacity.rate is not None
    assert capacity.breaks_at is not None
    assert capacity.rate <= limit < capacity.breaks_at
    assert capacity.breaks_at / capacity.rate <= 1 + precision


def test_the_rate_doubles_and_then_the_gap_is_halved() -> None:
    rates = [step.rate_per_s for step in found(50).steps]
    assert rates[:4] == [10, 20, 40, 80]
    assert [round(rate) for rate in rates[4:]] == [57, 48, 52]


@pytest.mark.parametrize(
    ("limit", "rate", "breaks_at", "steps"), [(5, None, 10, 1), (5000, 2000, None, 9), (2000, 2000, None, 9)]
)
def test_a_limit_outside_is_told_as_that(limit: float, rate: float | None, breaks_at: float | None, steps: int) -> None:
    capacity = found(limit)
    assert (capacity.rate, capacity.breaks_at, len(capacity.steps)) == (rate, breaks_at, steps)


def test_a_rate_that_held_by_chance_above_one_that_did_not_does_not_count() -> None:
    steps = tuple(
        Step(rate_per_s=rate, p95_s=None, late=0, throughput=None, held=held)
        for rate, held in ((10, True), (20, False), (40, True))
    )
    assert Capacity(budget_s=1, workers=1, steps=steps).rate == 10


def test_workers_for_a_rate() -> None:
    capacity = found(2000)  # of two workers
    assert [2, 3, 1] == [capacity.workers_for(rate) for rate in (2000, 2001, 1)]
    assert capacity.workers_for("120060/min") == 3
    assert found(5).workers_for(100) is None
    with pytest.raises(ConfigurationError, match=r"Capacity\.workers_for: rate='many': expected times in a second"):
        capacity.workers_for("many")


def test_a_failed_assertion_shows_what_was_found() -> None:
    assert repr(found(50)) == "Capacity(2 workers, p95 ≤ 1s: bears 47.6/s, breaks at 51.9/s)"


def test_tasks_that_fail_are_told_from_those_that_are_late() -> None:
    step = Step(rate_per_s=5, p95_s=0.1, late=1, throughput=5, held=False, failed=62)
    told = repr(Capacity(budget_s=1, workers=1, steps=(step,)))
    assert told == "Capacity(1 worker, p95 ≤ 1s: bears nothing that was tried, breaks at 5/s, where 62 tasks failed)"
    assert repr(found(5)) == "Capacity(2 workers, p95 ≤ 1s: bears nothing that was tried, breaks at 10/s)"
    assert repr(found(5000)).endswith("bears 2,000/s, breaks not at any rate that was tried)")
