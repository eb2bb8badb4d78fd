from __future__ import annotations

import pytest

from .inner import Inner

APP, SUITE = "plain", "retries"

FAILS = {
    "test_expired_before_its_first_attempt": (
        "started 0 of 1 (budget = 1)",
        "attempt 1 was to begin in 1h, but its message expired in 10min: give it a later expires=",
    ),
    "test_expired_before_its_next_attempt": (
        "attempts 2 (budget = 4)",
        "attempt 3 was to begin in 60s, but its message expired in 3",
    ),
    "test_too_many_attempts": ("attempts 5 (budget = 3)", "max_retries=2", "office.py:"),
    "test_too_few_attempts": ("attempts 1 (budget = 3)", "failed, ConnectionError (injected by", "autoretry_for="),
    "test_nothing_provoked": ("attempts 1 (budget = 3)", "celery_perf.fail(growing, with_=ConnectionError, times=2)"),
    "test_not_exponential": ("backoff 30s, 30s, 30s (budget exponential)", "set retry_backoff=True", "waited 30ms"),
    "test_not_fixed": ("backoff exponential (1s, 2s, 4s) (budget fixed)", "remove retry_backoff"),
    "test_other_countdowns": ("countdowns 5s, 60s, 7s (budget = 5s, 60s, 60s)", "(5, 60, 60)[min(self.request."),
    "test_too_long_a_countdown": ("longest countdown 10min (budget ≤ 5min)", "requested up to 5min", "max=300"),
    "test_no_jitter": ("jitter off (budget on)", "retry_jitter=True"),
    "test_unwanted_jitter": ("jitter on (budget off)", "retry_jitter=False"),
    "test_failed_in_the_end": ("final state 1 failed (budget succeeded)", "ConnectionError: no route", "max_retries=4"),
    "test_succeeded_in_the_end": ("final state 1 succeeded (budget failed)", "let every attempt fail", "times=4"),
    "test_another_exception": ("attempts 1 (budget = 2)", "autoretry_for does not cover KeyError"),
    "test_an_error_too_seldom": (
        "celery_perf.fail office.fragile: raised 1× (budget = 2×)",
        "of 1 task, executions were received 1× and begun 1×",
        "publish it more often, have it retry, or say times=1",
    ),
    "test_that_of_a_test_relaxes_nothing": (
        "✗ celery_retries office.growing: attempts 3 (budget = 1)",
        "✓ celery_retries office.growing: attempts 3 = 3",
    ),
    "test_an_error_of_nothing": ("celery_perf.fail office.fragile: published 0 times (budget ≥ 1)",),
}


def test_good_code_passes(inner: Inner) -> None:
    assert inner.cases.keys() - FAILS.keys() == inner.passed, inner.text


@pytest.mark.parametrize("test", FAILS)
def test_bad_code_fails_with_the_reason(inner: Inner, test: str) -> None:
    assert inner.lacks(test, *FAILS[test]) == [], inner.cases[test].message
