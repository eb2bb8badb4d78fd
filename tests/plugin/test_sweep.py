from __future__ import annotations

import pytest

from .inner import Inner, Project

APP, SUITE = "library", "sweep"

FAILS = {
    "test_written_twice": (
        "celery_crash_sweep library.tasks.enter_twice: points survived 2 (budget = 4)",
        "SIGKILL of the child right before each point:",
        "✓ enter_twice:2  query INSERT INTO library_author",
        "✗ enter_twice:3  query INSERT INTO library_book",
        "(library/tasks.py:",
        "library_author: a row too many: name='Ada'",
        "✗ enter_twice:4  finished",
        "library_book: a row too many: title='one'",
        'not tried, only kill="worker" strikes in the main process: enter_twice:5',
        "commit all of it at once (transaction.atomic)",
        "pytest 'test_sweep.py::test_written_twice' --celery-perf-point=enter_twice:3",
    ),
    "test_lost": (
        "✗ enter_unsafely:1  started",
        "LOST: it was acknowledged before it ran (acks_late=False)",
        "✓ enter_unsafely:3  finished",
        "set acks_late=True and reject_on_worker_lost=True in the decorator of enter_unsafely (library/tasks.py:",
    ),
    "test_not_retried": (
        "points survived 0 (budget = 4)",
        "django.db.utils.OperationalError: raised by celery_fault_sweep",
        "library_book: a row is missing: title='one'",
        "retry it: autoretry_for=(django.db.utils.OperationalError,) in the decorator of enter (library/tasks.py:",
    ),
    "test_invariant": ("the invariant one_book is broken: there is another number of books",),
    "test_own_assertion": ("the test's own check failed: assert 2 == 1",),
    "test_outbound": ("✗ call:3  finished", "outbound 2 (budget ≤ 1): connections and messages, over all executions"),
    "test_too_many_executions": ("executions 2 (budget ≤ 1)", "and raise max_executions= on purpose"),
    "test_unsteady": (
        "two runs in which nothing went wrong left different rows:",
        "library_book: a row",
        'volatile=["table"]',
    ),
    "test_not_published": ("the task ran nowhere: seen in this test: library.tasks.enter_twice",),
    "test_nothing_to_try": (
        "points=['cache'] is none of its 9 points: enter:1 (started), enter:2 (query)",
        "fix: give one of the kinds in brackets, or leave points= out",
    ),
    "test_fails_without_a_fault": ("assert not True",),
    "test_invariant_never_holds": ("the invariant lambda is broken: it returned False",),
    "test_two_ways": (
        "points survived ",
        "✓ sign:",
        "✓ sign#2:2  query INSERT INTO library_author",
        "✗ sign#2:3  finished",
        "library_author: a row too many: name='Eve'",
        "'test_sweep.py::test_two_ways' --celery-perf-point=sign#2:3",
    ),
    "test_two_ways_to_the_acknowledgment": ("points survived 1 (budget = 2)", "✗ sign#2:4  acknowledgment"),
    "test_two_ways_delivered_twice": (
        "celery_idempotent library.tasks.sign: points survived 1 (budget = 2)",
        "celery_idempotent library.tasks.sign_at_once: points survived 1 (budget = 2)",
        "✗ sign#2:4  acknowledgment  in sequence: 1st succeeded, 2nd succeeded",
        "✗ sign_at_once#2:4  acknowledgment  in sequence: 1st succeeded, 2nd succeeded",
        "library_author: a row too many: name='Sue'",
    ),
    "test_one_fails_on_purpose": (
        "points survived 0 (budget = 6)",
        "✗ enter_or_refuse#2:2  query SELECT",
        "FAILED: it failed with django.db.utils.OperationalError: raised by celery_fault_sweep",
    ),
    "test_fails_each_time": (
        "celery_crash_sweep library.tasks.enter_or_refuse: points tried 0 (budget ≥ 1)",
        "celery_idempotent library.tasks.enter_or_refuse: points tried 0 (budget ≥ 1)",
        "library.tasks.enter_or_refuse fails without any fault, so that to fail with one proves nothing: it raised ",
        "ValueError: no title at library/tasks.py:",
        'if it shall fail, say so: @pytest.mark.celery_retries(final="failed")',
    ),
    "test_swallowed": (
        "library_book: a row is missing: title='one'",
        "fix: the error at library/tasks.py:",
        "was swallowed, and nobody tried again: let the task raise it, and retry it",
    ),
    "test_nothing_that_an_error_could_meet": (
        "the task does nothing that an error could meet; it has 3 points: idle:1 (started), idle:2 (finished), idle:3",
    ),
    "test_another_marker_fails": ("celery_queries library.tasks.enter: queries 4 (budget ≤ 2)",),
}

POINT = ("--celery-perf-point=enter_twice:3", "-k", "test_written_twice")


def test_good_code_passes(inner: Inner) -> None:
    assert inner.cases.keys() - FAILS.keys() == inner.passed, inner.text


@pytest.mark.parametrize("test", FAILS)
def test_bad_code_fails_with_the_reason(inner: Inner, test: str) -> None:
    assert inner.lacks(test, *FAILS[test]) == [], inner.cases[test].message


@pytest.mark.parametrize(
    "line",
    [
        "points struck 2 of 9 (",
        "6 left out: sample=2, seed=3",
        "left out: budget=1ns was over",
        "? celery_crash_sweep  library.tasks.enter_any",
        "not reached: another path",
        "✓ celery_queries library.tasks.enter queries 4 ≤ 4",
        "not swept: the test fails without any fault",
    ],
)
def test_what_was_not_tried_is_told_of_tests_that_pass_too(inner: Inner, line: str) -> None:
    told = " ".join(inner.text.split())

    assert " ".join(line.split()) in told


def test_pytest_sees_one_test(inner: Inner) -> None:
    """One report for each phase, whatever number of runs there was."""
    assert inner.text.count("test_child_dies") == 0, "a test that passes is not named"
    assert f"{len(FAILS)} failed, {len(inner.passed)} passed" in inner.text


def test_one_point_alone(library: Project) -> None:
    alone = Project.copy(APP, library.folder / "alone", SUITE).run(*POINT)

    assert alone.lacks("test_written_twice", "points survived 0 (budget = 1)", "4 left out: --celery-perf-point") == []


def test_a_point_that_there_is_not(library: Project) -> None:
    none = Project.copy(APP, library.folder / "none", SUITE).run("--celery-perf-point=enter_twice:99", *POINT[1:])

    assert none.lacks("test_written_twice", "--celery-perf-point=enter_twice:99 is none of its 5 points") == []


def test_a_point_of_another_markers_task(library: Project) -> None:
    project = Project.copy(APP, library.folder / "two", SUITE)
    run = project.run("-k", "test_two_tasks", "--celery-perf-point=enter_twice:1")

    assert run.passed == {"test_two_tasks"}, run.text
    assert "points struck 0 of 9 (9 left out: --celery-perf-point)" in " ".join(run.text.split())


def test_under_xdist(library: Project) -> None:
    project = Project.copy(APP, library.folder / "parallel", SUITE)
    run = project.run("-n2", "-k", "test_written_twice or test_child_dies or test_database_gone")

    assert run.passed == {"test_child_dies", "test_database_gone"}, run.text
    assert run.lacks("test_written_twice", *FAILS["test_written_twice"]) == []


MISUSES = {
    "celery_crash_sweep(volatile=['library_book.titel'])": ("library_book has the columns id, title, author_id",),
    "celery_crash_sweep()\n@pytest.mark.celery_recovery()": (
        "a sweep compares with a run in which nothing goes wrong",
    ),
    "celery_worker(pool='threads')\n@pytest.mark.celery_crash_sweep()": (
        '@pytest.mark.celery_crash_sweep: kill="child": the pool threads runs tasks in no child process',
    ),
}
MISUSED = "import pytest\nfrom library.tasks import enter\n@pytest.mark.{}\n{}def test_it(): enter.delay('one')\n"
DATABASE = "@pytest.mark.django_db(transaction=True)\n"
IN_THE_OLD_STYLE = """
import pytest
from django.test import TransactionTestCase
from library.tasks import enter

class TestInTheOldStyle(TransactionTestCase):
    @pytest.mark.django_db(transaction=True)
    @pytest.mark.celery_crash_sweep()
    def test_it(self):
        enter.delay("one")
"""


@pytest.mark.parametrize("marker", MISUSES)
def test_what_is_refused_at_collection(library: Project, marker: str) -> None:
    library.write("test_misused.py", MISUSED.format(marker, DATABASE))
    run = library.run()

    assert run.status == pytest.ExitCode.INTERRUPTED
    assert [each for each in MISUSES[marker] if each not in run.text] == [], run.text


def test_without_django(plain: Project) -> None:
    """Pools without children, too, and tasks without a database."""
    run = Project.copy("plain", plain.folder / "sweep", "sweep").run()

    assert run.passed == {"test_child", "test_solo", "test_threads", "test_another_error"}, run.text
    words = (
        "✗ unsafe:1  started",
        "LOST: it was acknowledged before it ran",
        "there are no tables of Django to compare",
    )
    assert run.lacks("test_unsafe", *words) == []


@pytest.mark.parametrize(
    "suite",
    [
        MISUSED.format("celery_crash_sweep()", ""),
        IN_THE_OLD_STYLE,
    ],
    ids=["no database", "unittest"],
)
def test_what_does_not_begin_with_the_same_rows_is_refused(library: Project, suite: str) -> None:
    library.write("test_misused.py", suite)

    assert "each run must begin with the same rows: make it a function" in library.run().text
