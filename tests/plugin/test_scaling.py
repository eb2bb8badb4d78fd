from __future__ import annotations

import pytest

from .inner import Inner, Project

APP, SUITE = "library", "scaling"

FAILS = {
    "test_one_by_one": (
        "celery_scaling library.tasks.one_by_one: queries per row +1.00 (budget ≤ 0)",
        "at 2 → 4 → 8 rows: queries 3 → 5 → 9",
        "FROM library_author WHERE id = ? LIMIT ?: +1.00 per row (2 → 4 → 8), library/tasks.py:18 one_by_one",
        "1 other statement does not grow",
        "fix: library/tasks.py:18 one_by_one repeats",
        "select_related",
    ),
    "test_half_in_a_row": (
        "queries per book +0.50 (budget ≤ 0.4)",
        "at 2 → 4 → 8 books: queries 2 → 3 → 5",
        "+0.50 per book (0 → 1 → 3), library/tasks.py:62",
    ),
    "test_quadratic": ("power of the size with which queries grows", "(budget ≤ 1.2)", "per row (16 → 64 → 256)"),
    "test_time": (
        "celery_scaling library.tasks.idle: runtime per row +",
        "s (budget ≤ 0s)",
        "at 2 → 40 rows: runtime ",
    ),
    "test_bytes": ("message_size per character +1B (budget ≤ 0B)", "at 100 → 10000 characters: message_size "),
    "test_another_budget": ("celery_queries library.tasks.one_by_one: queries 9 (budget ≤ 5)",),
    "test_own_assertion": ("assert 4 < 4",),
    "test_another_task": ("celery_scaling library.tasks.compare: published 0 times", "seen in this test"),
    "test_one_size_without_it": (
        "celery_scaling library.tasks.joined: published at size 4 0 times (budget ≥ 1)",
        "fix: publish the task whatever celery_size is",
    ),
}


def test_good_code_passes(inner: Inner) -> None:
    assert inner.cases.keys() - FAILS.keys() - {"test_known_to_grow"} == inner.passed, inner.text


def test_a_failure_may_be_expected(inner: Inner) -> None:
    assert inner.cases["test_known_to_grow"].outcome == "skipped"
    assert "1 xfailed" in inner.text


@pytest.mark.parametrize("test", FAILS)
def test_bad_code_fails_with_the_reason(inner: Inner, test: str) -> None:
    assert inner.lacks(test, *FAILS[test]) == [], inner.cases[test].message


def test_a_run_that_fails_tells_its_size(inner: Inner) -> None:
    assert "the run with celery_size=4" in inner.text
    assert "the run with celery_size=8" in inner.text


MISTAKES = {
    "max_slope=0": "@pytest.mark.celery_scaling: neither the test nor a fixture of its takes celery_size",
    "": "@pytest.mark.celery_scaling: nothing to judge: give max_slope= (per row; 0: it must not grow) or max_order=",
    "sizes=[5], max_slope=0": "sizes=[5] is not two or more whole numbers, each larger than the one before",
    "sizes=[9, 5], max_slope=0": "sizes=[9, 5] is not two or more whole numbers",
    "max_slope='3ms'": "max_slope='3ms' is not a number from 0",
    "metric='runtime', max_slope='fast'": "max_slope='fast': expected seconds as a number, or a text with a unit",
    "metric='weight', max_slope=0": "metric='weight' is not one of runtime, cpu,",
}


@pytest.mark.parametrize("arguments", MISTAKES)
def test_a_mistake_is_told_at_collection(plain: Project, arguments: str) -> None:
    plain.write(
        "test_mistake.py",
        f"import pytest\n@pytest.mark.celery_scaling({arguments})\ndef test_it(): pass\n",
    )
    assert MISTAKES[arguments] in plain.run().text


def test_markers_that_disagree(plain: Project) -> None:
    plain.write(
        "test_mistake.py",
        "import pytest\n"
        "@pytest.mark.celery_scaling(sizes=[1, 2], max_slope=0)\n"
        "@pytest.mark.celery_scaling(sizes=[1, 3], max_slope=0)\n"
        "def test_it(celery_size): pass\n",
    )
    text = plain.run().text
    assert "the test runs once for each size, and its markers name others: [1, 2] and [1, 3]" in text


def test_no_marker(plain: Project) -> None:
    plain.write("test_mistake.py", "def test_it(celery_size): pass\n")
    text = plain.run().text
    assert "celery_size is one of the sizes of @pytest.mark.celery_scaling(sizes=[…]), which the test has not" in text
