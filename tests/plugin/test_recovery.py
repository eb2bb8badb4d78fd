from __future__ import annotations

import pytest

from .inner import Inner

APP, SUITE = "library", "recovery"

FAILS = {
    "test_acks_early": (
        "celery_recovery library.tasks.enter_unsafely: lost 1 (budget = 0)",
        "lost because it was acknowledged before it ran (acks_late=False)",
        "SIGKILL to its worker at started",
        "set acks_late=True and reject_on_worker_lost=True in the decorator of enter_unsafely (library/tasks.py:",
    ),
    "test_acks_early_child": ("lost 1 (budget = 0)", "acks_late=False", "SIGKILL to its child"),
    "test_not_rejected_on_worker_lost": (
        "lost because Celery acknowledges the message of a child that died (reject_on_worker_lost=False)",
        "set reject_on_worker_lost=True in",
    ),
    "test_too_many_executions": ("executions 2 (budget ≤ 1)", "RECOVERED library.tasks.enter", "started again in"),
    "test_too_slow": ("recovery", "(budget ≤ 1ns)", "from the kill to the last start of"),
    "test_never_reached": (
        "child killed at query:99 0× (budget = 1×)",
        "its body made",
        "kill it at a query that it makes",
    ),
    "test_survived": (
        "child killed at started 0× (budget = 1×)",
        "SIGINT did not end process",
        "which goes on: the children of a worker ignore it",
        'use signal="SIGKILL", the default',
    ),
    "test_survived_at_its_end": ("child killed at finished 0× (budget = 1×)", "SIGINT did not end process"),
    "test_in_production": ("in production: Redis delivers again only after the visibility timeout, 1h",),
}


def test_good_code_passes(inner: Inner) -> None:
    assert inner.cases.keys() - FAILS.keys() == inner.passed, inner.text


def test_what_passed_tells_what_production_would_wait(inner: Inner) -> None:
    told = [line for line in inner.text.splitlines() if "recovery in production" in line]
    assert any("recovery in production up to 1.03h (shortened here)" in line for line in told), inner.text
    assert any("recovery in production up to 5s (shortened here)" in line for line in told), inner.text


@pytest.mark.parametrize("test", FAILS)
def test_bad_code_fails_with_the_reason(inner: Inner, test: str) -> None:
    assert inner.lacks(test, *FAILS[test]) == [], inner.cases[test].message
