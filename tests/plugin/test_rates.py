from __future__ import annotations

import pytest

from .inner import Inner

APP, SUITE = "plain", "rates"

FAILS = {
    "test_slow": (
        "celery_throughput office.burn: throughput ",
        "≥ 1,000,000/s",
        "drained in",
        "≤ 1ns",
        "10 published within",
        "1 at a time of at most 1",
    ),
    "test_too_few_slots": (
        "celery_throughput office.burn: at a time 1 (budget ≥ 2)",
        "fix: its workers have 1 slot in all: raise -c, or start more workers for its queues",
    ),
    "test_late": ("celery_share office.add: succeeded within 1ns 0 % (0 of 4) (budget ≥ 50 %)", "late: office.add["),
    "test_failures_are_late": (
        "celery_share office.fragile: succeeded within 1h 75 % (3 of 4) (budget ≥ 80 %)",
        "3 succeeded, 1 failed",
        "fix: they failed",
    ),
    "test_one_worker_for_both_queues": (
        "celery_isolation urgent beside relaxed: waited behind 6 of relaxed (budget ≤ 0)",
        "flood: 6 of relaxed, up to 6 waited; beside it 1 of urgent",
        "it consumes both celery and side: leave side to a worker of its own (-Q side)",
    ),
    "test_one_queue_for_both": (
        "waited behind 6 of relaxed (budget ≤ 0)",
        "has one slot; both go to queue celery: route urgent to a queue of its own",
        "urgent has 9, relaxed has 7. Redis serves priority 0 first",
    ),
    "test_prefetched": (
        "waited behind 6 of relaxed (budget ≤ 0)",
        "prefetched urgent and kept it in memory while it began",
        "prefetch=1 (worker_prefetch_multiplier = 1) with acks_late=True takes only what it can run",
    ),
    "test_too_few_without_the_flood": (
        "median time in queue unknown (budget ≤ 1e+06× that without the flood)",
        "time in queue of the victims without the flood needs 5 samples, there are 0",
    ),
    "test_longer_than_without_the_flood": (
        "median time in queue",
        "without the flood)",
        "longest time in queue",
        "(budget ≤ 1ns)",
    ),
    "test_no_backlog": ("backlog none did (budget waits beside the victims)", "publish the flood first, more of it"),
    "test_no_victim": ("celery_isolation mail: published 0 times (budget ≥ 1)", "seen in this test: office.relaxed"),
}


def test_good_code_passes(inner: Inner) -> None:
    assert inner.cases.keys() - FAILS.keys() == inner.passed, inner.text


@pytest.mark.parametrize("test", FAILS)
def test_bad_code_fails_with_the_reason(inner: Inner, test: str) -> None:
    assert inner.lacks(test, *FAILS[test]) == [], inner.cases[test].message
