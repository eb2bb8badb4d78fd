from __future__ import annotations

import pytest

from .inner import Inner

APP, SUITE = "plain", "latency"

FAILS = {
    "test_runtime": ("max runtime", "(budget ≤ 1ms)", "slow: ", "first of its process", "runtime"),
    "test_median": ("p50 runtime", "(budget ≤ 1ns)", "runtime of 5 samples: min", "on average: in queue"),
    "test_not_enough_samples": (
        "p95 runtime unknown of 6 samples",
        "p95 of the runtime needs 20 samples, there are 6: run the task more often, such as celery_perf.run(",
        "p99 of the runtime needs 100 samples",
    ),
    "test_queue": ("max time in queue", "it waited in the broker for a free worker"),
    "test_prefetch": ("max prefetch time", "lower the prefetch multiplier, or start it with -O fair"),
    "test_end_to_end": ("max end-to-end time", "2 executions", "delays, retries, redeliveries"),
    "test_nothing_published": ("Nothing was published.", ".delay() or .apply_async()"),
}


def test_good_code_passes(inner: Inner) -> None:
    assert inner.cases.keys() - FAILS.keys() == inner.passed, inner.text


@pytest.mark.parametrize("test", FAILS)
def test_bad_code_fails_with_the_reason(inner: Inner, test: str) -> None:
    assert inner.lacks(test, *FAILS[test]) == [], inner.cases[test].message
