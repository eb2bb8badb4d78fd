from __future__ import annotations

import pytest

from .inner import Inner

APP, SUITE = "plain", "routing"

FAILS = {
    "test_queue": (
        "celery_routing office.add: queue celery (budget = reports)",
        "no worker that ran a task of this test consumes reports",
        "set task_routes = {'office.add': {'queue': 'reports'}}",
    ),
    "test_priority": ("priority 7 (budget = 0)", "Redis serves priority 0 first", "{'priority': 0}"),
    "test_not_every_priority": ("priority 7 ×1, 1 ×1 (budget = 7)", "not all messages are wrong"),
    "test_order": (
        "relaxed → urgent: out of order",
        "started: urgent, urgent, urgent, relaxed, relaxed, relaxed",
        "Redis serves priority 0 first",
        "relaxed has 7, urgent has 3; turn them round",
    ),
    "test_no_backlog": ("urgent and add never did", "publish them behind a task that keeps the only process busy"),
    "test_one_is_missing": ("office.add: published 0 times", "seen in this test: office.urgent"),
}


def test_good_code_passes(inner: Inner) -> None:
    assert inner.cases.keys() - FAILS.keys() == inner.passed, inner.text


@pytest.mark.parametrize("test", FAILS)
def test_bad_code_fails_with_the_reason(inner: Inner, test: str) -> None:
    assert inner.lacks(test, *FAILS[test]) == [], inner.cases[test].message
