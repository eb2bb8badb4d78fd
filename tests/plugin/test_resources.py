from __future__ import annotations

import pytest

from .inner import Inner

APP, SUITE = "plain", "resources"
pytestmark = pytest.mark.gevent

FAILS = {
    "test_peak": ("peak memory", "(budget ≤ 1MiB)", "were there before the task began", "worker_max_memory_per_child"),
    "test_added": (
        "memory added ",
        "(budget ≤ 40MiB)",
        "judged 2 executions: peak",
        "more at its peak",
        "hoard (office.py:",
        "work in portions",
    ),
    "test_leak": ("memory added ", "seep (office.py:", "behind: look for what outlives it", "left out: 1 warm-up"),
    "test_only_warm_up": ("executions to judge 0 of 1", "run the task more often than warmup=1"),
    **dict.fromkeys(
        ("test_growth[prefork]", "test_growth[threads]"),
        (
            "memory growth per 1,000 executions",
            "with 95 % confidence",
            "(budget ≤ 100MiB)",
            "in 1 process,",
            "what outlives an execution of seep (office.py:",
        ),
    ),
    "test_growth_of_too_few": ("unknown of 1 execution (budget", "run the task more often"),
    "test_cpu": ("max CPU time", "(budget ≤ 1ms)", "of runtime", "profile the body of burn (office.py:"),
    "test_not_enough_samples": ("p95 CPU time unknown of 1 sample", "p95 of the CPU time needs 20 samples"),
    "test_share": ("CPU share of the runtime", "(budget ≤ 1 %)", "burn (office.py:", "computes rather than waits"),
    "test_commands": ("max CPU time", "other threads 3", "commands ", "most of the CPU time went to the commands that"),
    "test_only_made_to_fail": ("executions to judge 0 of 1", "left out: 1 stopped before its body ran"),
    "test_calls": (
        "Python calls 1,001",
        "(budget ≤ 1,000)",
        "judged 2 executions",
        "  1,000× _nothing (office.py:",
        "the loops of call (office.py:",
    ),
}
UNATTRIBUTABLE = {
    "test_growth_beside_other_tasks": ("celery_memory[office.add]",),
    "test_memory_on_threads": ("celery_memory[office.hoard]",),
    "test_calls_on_gevent": ("celery_memory[office.hoard]", "celery_cpu[office.hoard]"),
}


def test_good_code_passes(inner: Inner) -> None:
    assert inner.cases.keys() - FAILS.keys() == inner.passed, inner.text


@pytest.mark.parametrize("test", FAILS)
def test_bad_code_fails_with_the_reason(inner: Inner, test: str) -> None:
    assert inner.lacks(test, *FAILS[test]) == [], inner.cases[test].message


@pytest.mark.parametrize("test", UNATTRIBUTABLE)
def test_what_a_pool_cannot_attribute_is_inconclusive(inner: Inner, test: str) -> None:
    for judged in UNATTRIBUTABLE[test]:
        assert inner.cases[test].properties[judged].startswith("INCONCLUSIVE"), inner.text


def test_the_reader_learns_where_it_can_be_attributed(inner: Inner) -> None:
    for words in (
        "memory is not attributable on this pool: tasks share a process on threads (worker@",
        "memory is not attributable on this pool: tasks share a process on gevent (worker@",
        "the number of calls is not attributable on this pool: tasks share a thread on gevent (worker@",
        "its processes ran office.burn too",
        "run this test on prefork or solo",
        "run this test on prefork, solo or threads",
    ):
        assert words in inner.text
