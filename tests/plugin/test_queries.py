from __future__ import annotations

import pytest

from .inner import Inner

APP, SUITE = "library", "queries"

FAILS = {
    "test_max": (
        "celery_queries library.tasks.one_by_one: queries 6 (budget ≤ 4)",
        "5×",
        "FROM library_author WHERE id = ?",
        "library/tasks.py:18 one_by_one",
        "fix: library/tasks.py:18 one_by_one repeats",
        "select_related",
    ),
    "test_exact_is_more": ("queries 6 (budget = 2)", "N+1"),
    "test_exact_is_less": ("queries 1 (budget = 2)", "fewer queries than expected", "write exact=1"),
    "test_using": ("queries on archive 2 (budget ≤ 1)", "archive: SELECT", "over budget"),
    "test_no_n_plus_one": ("N+1 statements 1 (×5) (budget = 0)", "← N+1"),
    "test_verbs": ("INSERT 2 (budget ≤ 1)", "INSERT INTO library_book", "1 transaction control"),
    "test_without_warmup": (
        "queries 4 (budget ≤ 1)",
        "first of its process",
        "judged 3 executions: 1 to 4 queries each",
    ),
    "test_nothing_left_after_warmup": ("executions to judge 0 of 3", "3 warm-up", "more often than warmup=3"),
    "test_a_task_that_was_not_published": ("published 0 times", "did you mean task='library.tasks.joined'?"),
}


def test_good_code_passes(inner: Inner) -> None:
    assert inner.cases.keys() - FAILS.keys() == inner.passed, inner.text


@pytest.mark.parametrize("test", FAILS)
def test_bad_code_fails_with_the_reason(inner: Inner, test: str) -> None:
    assert inner.lacks(test, *FAILS[test]) == [], inner.cases[test].message


def test_a_failure_is_told_once(inner: Inner) -> None:
    assert inner.text.count("queries 6 (budget ≤ 4)\n") == 2  # as the test's failure and in the summary
