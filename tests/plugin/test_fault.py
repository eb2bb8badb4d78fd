from __future__ import annotations

import pytest

from .inner import Inner

APP, SUITE = "plain", "fault"

FAILS = {
    "test_too_seldom": (
        "celery_fault any task: kill_worker at started 1× (budget = 2×)",
        "of 1 task, executions were received 1× and begun 1×",
        "publish it 2× or more, or say times=",
    ),
    "test_never_reached": ("freeze at query:3 0× (budget = 1×)", "with 0 queries at most", "use at='started'"),
    "test_another_task": ("published 0 times (budget ≥ 1)", "seen in this test: office.safe"),
}


def test_what_happens_passes(inner: Inner) -> None:
    assert inner.cases.keys() - FAILS.keys() == inner.passed, inner.text


@pytest.mark.parametrize("test", FAILS)
def test_what_does_not_happen_fails(inner: Inner, test: str) -> None:
    assert inner.lacks(test, *FAILS[test]) == [], inner.cases[test].message
