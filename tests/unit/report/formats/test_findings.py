"""What must be told of a test run is told once, the worst first, and agrees with what pytest counts."""

from __future__ import annotations

from dataclasses import replace

from pytest_celery_perf.model.formats import FormatName
from pytest_celery_perf.model.verdict import Status
from pytest_celery_perf.report.formats import FORMATS
from pytest_celery_perf.report.formats.findings import Severity, failed_tests, findings
from tests.unit.histories import history, options

from .reports import (
    BY_ITSELF,
    CHARGE,
    EMPTY,
    EXPECTED,
    LOST,
    MUCH_SLOWER,
    REFUND,
    REPORT,
    SLOWER,
    UNDECIDED,
    frame,
    result,
    verdict,
)


def test_the_worst_comes_first_and_of_regressions_the_greatest() -> None:
    assert [
        (Severity.UNRELIABLE, LOST.nodeid, "celery_drill[deploy]"),
        (Severity.FAILED, MUCH_SLOWER.nodeid, "celery_regression"),
        (Severity.FAILED, SLOWER.nodeid, "celery_regression"),
        (Severity.FAILED, REFUND.nodeid, "celery_queries"),
        (Severity.FAILED, REFUND.nodeid, "celery_latency"),
        (Severity.FAILED, BY_ITSELF.nodeid, "pytest"),
        (Severity.UNDECIDED, UNDECIDED.nodeid, "celery_queries"),
        (Severity.CHANGED, "tests/test_shop.py::test_added", "celery_regression"),
        (Severity.CHANGED, "tests/test_shop.py::test_pays", "celery_regression"),
    ] == [(each.severity, each.test, each.rule) for each in findings(REPORT)]


def test_each_test_that_pytest_counts_as_failed_is_told_and_no_other() -> None:
    told = {each.test for each in findings(REPORT) if each.severity <= Severity.FAILED}
    assert told == {test.nodeid for test in failed_tests(REPORT)}
    assert EXPECTED.nodeid not in told


def test_a_test_that_failed_by_itself_is_told_with_its_message() -> None:
    (finding,) = findings(replace(EMPTY, tests=(BY_ITSELF,)))
    assert (finding.title, finding.details) == ("AssertionError: of its own", ())
    (silent,) = findings(replace(EMPTY, tests=(replace(BY_ITSELF, message=""),)))
    assert silent.title == "the test failed, though no verdict did"


def test_a_finding_is_at_the_first_line_of_the_repository_that_its_verdict_names_else_at_the_test() -> None:
    queries, latency = findings(replace(EMPTY, tests=(REFUND,), root="/work"))
    assert (queries.path, queries.line) == ("shop/tasks.py", 20)
    assert (latency.path, latency.line) == ("tests/test_shop.py", 12)


def test_a_verdict_that_blames_no_line_is_at_its_task() -> None:
    slow = replace(SLOWER, history=history(tasks={CHARGE: options(defined=frame(line=50))}))
    (finding,) = findings(replace(EMPTY, tests=(slow,), root="/work"))
    assert (finding.path, finding.line) == ("shop/tasks.py", 50)


def test_a_finding_outside_of_the_repository_is_nowhere() -> None:
    away = replace(REFUND, place=None, verdicts=(verdict(places=(frame("/elsewhere/tasks.py"), frame("tasks.py"))),))
    (finding,) = findings(replace(EMPTY, tests=(away,), root="/work"))
    assert (finding.path, finding.line) == ("", 0)
    (finding,) = findings(replace(EMPTY, tests=(REFUND,)))[:1]
    assert finding.path == "", "without a root nothing is relative to it"


def test_new_and_renamed_tests_are_told() -> None:
    new, renamed = findings(REPORT)[-2:]
    assert new.title == "NEW: tests/test_shop.py::test_added is new: there is nothing to compare it with"
    assert renamed.title == "RENAMED: shop.tasks.charge has another name in the base, tests/test_shop.py::test_charges"


def test_a_run_that_was_interrupted_is_told() -> None:
    (finding,) = findings(replace(EMPTY, status=2))
    assert finding.title == "pytest was interrupted: not all tests have run"
    assert findings(replace(EMPTY, status=1)) == (), "the tests that failed are none of ours"


def test_a_new_test_is_told_once() -> None:
    added = result("tests/test_shop.py::test_added", "passed", verdict(Status.INCONCLUSIVE, marker="celery_regression"))
    told = [each.severity for each in findings(replace(REPORT, tests=(added,))) if each.test == added.nodeid]
    assert told == [Severity.UNDECIDED]


def test_every_format_has_a_writer_that_bears_an_empty_report() -> None:
    assert set(FORMATS) == set(FormatName)
    for write in FORMATS.values():
        text = write(EMPTY)
        assert text == "" or text.endswith("\n")
