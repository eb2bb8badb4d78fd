"""Keeps what became of each test, over pytest-xdist too: its workers attach it to the reports that they send."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytest

    from pytest_celery_perf.model.frame import Frame
    from pytest_celery_perf.model.history import History
    from pytest_celery_perf.model.result import TestResult
    from pytest_celery_perf.model.verdict import Verdict
    from pytest_celery_perf.session import ActiveTest

ATTACHED = "celery_perf"
"""The attribute of a report that holds a result as text, since xdist carries nothing else, or its number here."""


class Results:
    """The results of this pytest process.

    Args:
        passed_on: Whether all of them go to the controller of pytest-xdist, with the reports.
    """

    def __init__(self, *, passed_on: bool) -> None:
        self._passed_on = passed_on
        self._kept: list[TestResult] = []
        self._waiting: dict[int, TestResult] = {}
        """Of tests whose report pytest has not logged yet, and may not."""
        self._recorded = 0
        self._failed_within: dict[str, str] = {}
        """Of tests that are not over: what their first failed subtest failed with."""

    @property
    def tests(self) -> tuple[TestResult, ...]:
        """The tests that are over; those that an xdist worker ran are with its controller."""
        return tuple(self._kept)

    @property
    def history(self) -> History:
        """What happened in all tests together."""
        from pytest_celery_perf.model.history import History

        histories = [result.history for result in self._kept]
        return History(
            publications=tuple(each for history in histories for each in history.publications),
            executions=tuple(each for history in histories for each in history.executions),
            workers=tuple(each for history in histories for each in history.workers),
            faults=tuple(each for history in histories for each in history.faults),
            stuck_unacked=tuple(each for history in histories for each in history.stuck_unacked),
        )

    def record(self, active: ActiveTest, item: pytest.Item, report: pytest.TestReport) -> None:
        """Keep what a test has shown, also for JUnit.

        Args:
            active: The test.
            item: The same, as pytest has it.
            report: Of its body, with the outcome that pytest will count.
        """
        from pytest_celery_perf.measure.journal import journal
        from pytest_celery_perf.measure.summary import Run
        from pytest_celery_perf.model.result import TestResult
        from pytest_celery_perf.report.junit import user_properties

        run = Run.of(active.history)
        result = TestResult(
            nodeid=active.nodeid,
            outcome=report.outcome,
            message=_message(report),
            place=_place(item),
            verdicts=active.verdicts,
            rows=tuple(run.by_task.values()),
            figures=run.figures,
            sweeps=active.sweeps,
            loads=tuple(active.loads),
            capacities=tuple(active.capacities),
            history=active.history,
            properties=tuple((name, str(value)) for name, value in item.user_properties),
            # Elsewhere it would only repeat the records.
            journal=journal(active.history) if active.history.snapshots else (),
        )
        # JUnit's are taken from the report of the teardown, which takes them from the test.
        item.user_properties.extend(user_properties(result.verdicts, result.rows, result.figures))
        if self._passed_on:
            _attach(result, report)
        else:
            self._waiting[self._recorded] = result
            setattr(report, ATTACHED, self._recorded)
            self._recorded += 1

    def record_set_up(self, item: pytest.Item, report: pytest.TestReport, verdicts: tuple[Verdict, ...] = ()) -> None:
        """Keep that a test failed before its body, or that it has none.

        Args:
            item: The test.
            report: Of its set-up. It may be one of several, of which pytest logs one, and that one counts.
            verdicts: Why.
        """
        from pytest_celery_perf.model.result import TestResult

        failed = TestResult(
            nodeid=item.nodeid, outcome="failed", message=_message(report), place=_place(item), verdicts=verdicts
        )
        _attach(failed, report)

    def take(self, report: pytest.TestReport) -> None:
        """Keep what belongs to a report that pytest logs, with the outcome that it has then.

        It is ``rerun`` where a plugin has the test run again. A test has failed if one of its subtests did, or its
        teardown. So has one that took a worker of pytest-xdist with it: its report is of no phase, and nobody can tell
        if it was one of ours.
        """
        if self._passed_on:
            return
        result = self._belonging(report)
        if result is not None:
            within = self._failed_within.pop(report.nodeid, None)
            outcome = "failed" if within is not None and report.outcome == "passed" else report.outcome
            self._kept.append(replace(result, outcome=outcome, message=result.message or within or ""))
        elif report.failed and report.when == "call":
            self._failed_within.setdefault(report.nodeid, _message(report))
        elif report.failed and report.when == "teardown":
            self._fail_last(report)
        elif report.failed and report.when != "setup":
            from pytest_celery_perf.model.result import TestResult

            self._kept.append(TestResult(nodeid=report.nodeid, outcome="failed", message=_message(report)))

    def _belonging(self, report: pytest.TestReport) -> TestResult | None:
        found = getattr(report, ATTACHED, None)
        if not isinstance(found, str):
            return None if found is None else self._waiting.pop(found, None)
        from pytest_celery_perf.model.codec import decode
        from pytest_celery_perf.model.result import TestResult

        return decode(TestResult, json.loads(found))

    def _fail_last(self, report: pytest.TestReport) -> None:
        last = max((number for number, kept in enumerate(self._kept) if kept.nodeid == report.nodeid), default=None)
        if last is not None and self._kept[last].outcome != "failed":
            self._kept[last] = replace(self._kept[last], outcome="failed", message=_message(report))


def _attach(result: TestResult, report: pytest.TestReport) -> None:
    from pytest_celery_perf.model.codec import encode

    setattr(report, ATTACHED, json.dumps(encode(result)))


def _message(report: pytest.TestReport) -> str:
    """Return the first line of what a test failed with."""
    if not report.failed:
        return ""
    crash = getattr(report.longrepr, "reprcrash", None)
    lines = (crash.message if crash else report.longreprtext).strip().splitlines()
    return lines[0] if lines else ""


def _place(item: pytest.Item) -> Frame:
    from pytest_celery_perf.model.frame import Frame

    _, line, _ = item.location
    return Frame(path=str(item.path), line=(line or 0) + 1, function=item.name)
