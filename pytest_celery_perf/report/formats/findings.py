"""What a reader of a test run must be told, worst first: what failed, what could not be decided, what is new or gone.

A verdict that fails a test which pytest does not count as failed (it is expected to: ``xfail``) is no finding, so that
the reports agree with pytest's exit status.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import IntEnum
from pathlib import PurePath

from pytest_celery_perf.model.frame import Frame
from pytest_celery_perf.model.gate import GateReport, RegressionBudget, Standing
from pytest_celery_perf.model.result import TestResult
from pytest_celery_perf.model.verdict import Status, Verdict
from pytest_celery_perf.names import RELIABILITY
from pytest_celery_perf.report.json import Report
from pytest_celery_perf.report.terminal import details, headline

RUN = "the test run"
"""Stands for the test in a finding that is of none."""


class Severity(IntEnum):
    """How bad a finding is, the worst first."""

    UNRELIABLE = 0
    """Tasks are lost, run too often or recover too late: the test failed."""
    FAILED = 1
    """The test failed."""
    UNDECIDED = 2
    CHANGED = 3
    """A test that is compared with another version is new, renamed or gone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing to be told."""

    severity: Severity
    test: str
    title: str
    """In one line."""
    details: tuple[str, ...] = ()
    rule: str
    """What was broken: the marker, or ``pytest`` for what no marker judges."""
    subject: str = ""
    """Of which task, and by which figures: what tells it from others of its test and rule, in each run alike."""
    path: str = ""
    """Of the line that a verdict blames, else of the task, else of the test; relative to the repository, or empty."""
    line: int = 0
    """From 1; 0 where none is known."""
    effect: float = 0.0
    """By how much something has become worse, as a share of the base."""


def findings(report: Report) -> tuple[Finding, ...]:
    """List what must be told.

    Args:
        report: A test run.

    Returns:
        The worst first: of regressions the greatest, of others in the order of the tests.
    """
    told = [*_of_run(report), *_of_tests(report), *_of_gate(report)]
    return tuple(sorted(told, key=lambda each: (each.severity, -each.effect)))


def failed_tests(report: Report) -> tuple[TestResult, ...]:
    """Return the tests that pytest counts as failed."""
    return tuple(test for test in report.tests if test.outcome == "failed")


_ENDINGS = {
    2: "pytest was interrupted: not all tests have run",
    3: "pytest had an internal error",
    4: "pytest was used wrongly",
    5: "pytest has run no test",
}
"""Source: `pytest.ExitCode`; with 1 tests have failed."""


def _of_run(report: Report) -> Iterator[Finding]:
    """Tell of a run that failed though no test need have."""
    if report.status in _ENDINGS:
        yield Finding(severity=Severity.FAILED, test=RUN, title=_ENDINGS[report.status], rule="pytest")


def _of_tests(report: Report) -> Iterator[Finding]:
    for test in report.tests:
        failures = [verdict for verdict in test.verdicts if verdict.failed] if test.outcome == "failed" else []
        if test.outcome == "failed" and not failures:
            yield _unjudged(test, report.root)
        for verdict in failures:
            yield _judged(test, verdict, _severity(verdict), report)
        for verdict in test.verdicts:
            if verdict.status is Status.INCONCLUSIVE:
                yield _judged(test, verdict, Severity.UNDECIDED, report)


def _severity(verdict: Verdict) -> Severity:
    return Severity.UNRELIABLE if verdict.marker.partition("[")[0] in RELIABILITY else Severity.FAILED


def _judged(test: TestResult, verdict: Verdict, severity: Severity, report: Report) -> Finding:
    task = test.history.tasks.get(verdict.task)
    path, line = _place((*verdict.places, task.defined if task else None, test.place), report.root)
    metrics = (check.metric for check in verdict.checks if not check.ok)
    return Finding(
        severity=severity,
        test=test.nodeid,
        title=headline(verdict),
        details=tuple(details(verdict)),
        rule=verdict.marker,
        subject=" ".join([verdict.task, *metrics]),
        path=path,
        line=line,
        effect=_effect(test, verdict, report.gate),
    )


def _unjudged(test: TestResult, root: str) -> Finding:
    """Tell of a test that failed though no verdict did."""
    path, line = _place((test.place,), root)
    title = test.message or "the test failed, though no verdict did"
    return Finding(severity=Severity.FAILED, test=test.nodeid, title=title, rule="pytest", path=path, line=line)


def _effect(test: TestResult, verdict: Verdict, gate: GateReport | None) -> float:
    if gate is None or verdict.marker != RegressionBudget.marker:
        return 0.0
    compared = (each for each in gate.comparisons if (each.test, each.task) == (test.nodeid, verdict.task))
    return max((each.decision.effect or 0.0 for each in compared if each.decision), default=0.0)


_STANDINGS = {
    Standing.NEW: "is new: there is nothing to compare it with",
    Standing.REMOVED: "is gone: the base has it",
    Standing.RENAMED: "has another name in the base",
}


def _of_gate(report: Report) -> Iterator[Finding]:
    """Tell what has no verdict that tells it: a test that is gone has none."""
    judged = {test.nodeid for test in report.tests for each in test.verdicts if each.marker == RegressionBudget.marker}
    told = dict.fromkeys(
        (each.standing, each.test, each.task, each.base_test)
        for each in (report.gate.comparisons if report.gate else ())
        if each.standing in _STANDINGS and not (each.standing is Standing.NEW and each.test in judged)
    )
    for standing, test, task, base_test in told:
        was = f", {base_test}" if base_test else ""
        yield Finding(
            severity=Severity.CHANGED,
            test=test,
            title=f"{standing}: {task or test} {_STANDINGS[standing]}{was}",
            rule=RegressionBudget.marker,
            subject=" ".join(filter(None, (standing, task))),
        )


def _place(frames: Iterable[Frame | None], root: str) -> tuple[str, int]:
    """Return the first place that is in the repository: its path there, with slashes, and its line."""
    for frame in frames:
        if frame is not None and root and PurePath(frame.path).is_relative_to(root):
            return PurePath(frame.path).relative_to(root).as_posix(), frame.line
    return "", 0
