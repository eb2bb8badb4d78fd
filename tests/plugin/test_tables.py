"""Sweeps of what Django does not empty between tests: tables without a model, caches."""

from __future__ import annotations

import pytest

from .inner import Inner

APP, SUITE = "library", "tables"

FAILS = {
    "test_a_row_too_many": ("✗ lend:3  finished", "loans: a row too many: title='one'"),
    "test_delivered_twice": ("✗ lend:4  acknowledgment", "loans: a row too many: title='one'"),
    "test_a_row_that_was_there": ("✗ count:3  finished", "counters: n is '2' instead of '1'"),
    "test_no_such_table": ("volatile='conters.n': there is no table 'conters'; did you mean 'counters'?",),
    "test_what_is_random_is_erased": ("✗ stamp:3  finished", "stamps: token is NULL instead of not NULL"),
    "test_a_lock_in_a_file": (
        "points survived 4 (budget = 5)",
        "✗ locked:3  query UPDATE counters",
        "✓ locked:4  cache delete lock",
    ),
}


def test_good_code_passes(inner: Inner) -> None:
    assert inner.cases.keys() - FAILS.keys() == inner.passed, inner.text


@pytest.mark.parametrize("test", FAILS)
def test_bad_code_fails_with_the_reason(inner: Inner, test: str) -> None:
    assert inner.lacks(test, *FAILS[test]) == [], inner.cases[test].message


@pytest.mark.parametrize(
    "line",
    [
        "✓ celery_crash_sweep library.desk.lend_once points survived 3 = 3",
        "? celery_crash_sweep library.desk.draw nothing that tasks write is compared",
        "✓ celery_crash_sweep library.desk.draw points survived 1 = 1",
        "compared as NULL or not alone counters.n (another in each run) ×2",
        "not all that tasks write is compared: archived (held more than 1000 rows before the test)",
        "not all that tasks write is compared: words (not a table that a sweep reads)",
        "nobody empties the cache 'shared' (Disk) between the runs",
        "✓ celery_crash_sweep library.desk.remember points survived 4 = 4",
    ],
)
def test_what_is_not_compared_is_told_of_tests_that_pass_too(inner: Inner, line: str) -> None:
    told = " ".join(inner.text.split())

    assert line in told
