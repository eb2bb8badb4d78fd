from __future__ import annotations

from .inner import Inner

APP, SUITE = "plain", "faults"

TOO_SELDOM = "test_too_seldom"


def test_every_fault(inner: Inner) -> None:
    assert inner.cases.keys() - {TOO_SELDOM} == inner.passed, inner.text


def test_a_fault_that_does_not_strike_fails_the_test(inner: Inner) -> None:
    said = (
        "celery_faults.soft_time_limit office.limited: soft_time_limit at started 1× (budget = 2×)",
        "publish it 2× or more, or say times=",
    )
    assert inner.lacks(TOO_SELDOM, *said) == [], inner.cases[TOO_SELDOM].message
