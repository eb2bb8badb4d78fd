"""What pytest does for a test that runs several times: once to the eye, with one report for each phase."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pytest_celery_perf.judge.sweep import verdict_of
from pytest_celery_perf.judge.undecided import settled
from pytest_celery_perf.stash import OPTIONS, OUTPUT, SPEC
from pytest_celery_perf.sweep import sizes
from pytest_celery_perf.sweep.points import Reference, Swept, sweep
from pytest_celery_perf.sweep.rerun import Pass, Rerunner, pytest_fixture_setup, pytest_runtest_call, tear_down

if TYPE_CHECKING:
    from pytest_celery_perf.output import Output
    from pytest_celery_perf.session import ActiveTest

__all__ = ["pytest_fixture_setup", "pytest_runtest_call", "pytest_runtest_protocol"]

PASSES = "celery-perf"
"""The title of the section in which a passed test's report tells its points."""


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item, nextitem: pytest.Item | None) -> bool | None:
    """Run a test with its sweeps or sizes, in the place of pytest's own implementation."""
    spec = item.stash.get(SPEC, None)
    if spec is None or not spec.several or item.config.option.setuponly:
        return None
    reports_of = sizes.reports_of if spec.sizes else _reports
    item.ihook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
    for report in reports_of(item, nextitem):
        item.ihook.pytest_runtest_logreport(report=report)
    item.ihook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)
    return True


def _reports(item: pytest.Item, nextitem: pytest.Item | None) -> list[pytest.TestReport]:
    """Run the test as often as needed; return what pytest is to report of it."""
    began_s = time.monotonic()
    spec, rerunner = item.stash[SPEC], Rerunner(item)
    first = shown = rerunner.run(*spec.reruns, judged=True)
    done: list[Swept] = []
    if first.passed:
        second = rerunner.run(*spec.reruns)
        if second.passed:
            reference, only = Reference.of(first, second, spec.budgets), item.config.stash[OPTIONS].point
            done = [sweep(budget, rerunner, reference, only) for budget in spec.reruns]
        else:
            shown = second  # it fails by chance, which is its first fault
    last = tear_down(item, nextitem)
    setup, *others, teardown = shown.reports
    call = shown.call
    if call is not None and shown.active is not None:
        _conclude(call, shown, done, item.config.stash[OUTPUT])
        _judge(call, shown.active, done, item)
        call.duration = time.monotonic() - began_s - setup.duration - last.duration
        item.config.stash[OUTPUT].results.record(shown.active, item, call)
    return [setup, *others, last if teardown.passed else teardown]


def _conclude(call: pytest.TestReport, shown: Pass, done: list[Swept], output: Output) -> None:
    """Say in the report of a test that was not swept why it was not, or show the run that failed first."""
    if not done and not call.skipped:
        if call.passed:  # what failed was not seen by pytest: an invariant
            call.outcome, call.longrepr = "failed", shown.found.complaint
        call.sections.append((PASSES, "not swept: the test fails without any fault"))
    for each in done:
        report = each.failed.call if each.failed else None
        if report is not None:
            told = output.told(each.failed.found.history) if each.failed else ""
            sections = [("what happened", told), *report.sections]
            call.sections = [(f"{title} ({each.failed_at})", text) for title, text in sections]
            break


def _judge(call: pytest.TestReport, active: ActiveTest, done: list[Swept], item: pytest.Item) -> None:
    """Add the sweeps' verdicts to those of the test's other markers."""
    output = item.config.stash[OUTPUT]
    active.sweeps = tuple(each.sweep for each in done)
    judged = (verdict_of(each, Path.cwd(), item.nodeid) for each in active.sweeps)
    verdicts = settled(judged, item.config.stash[OPTIONS].inconclusive)
    active.verdicts = (*active.verdicts, *verdicts)
    complaint = output.complaint(active)
    if complaint and call.passed:
        call.outcome, call.longrepr = "failed", complaint
    elif verdicts and call.passed:
        call.sections.append((PASSES, output.explained(verdicts)))
