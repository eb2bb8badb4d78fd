"""Judges tests by their lock files; where these are to be written, finds out what is the same in each run."""

from __future__ import annotations

import json
import time
from collections.abc import Generator
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pytest_celery_perf.baseline.environment import environment
from pytest_celery_perf.judge.entries import fails_again, newly_locked, other_databases, stands_apart
from pytest_celery_perf.judge.lock import judge
from pytest_celery_perf.locks.attempts import Attempts
from pytest_celery_perf.locks.probing import FailsAgainError, steady
from pytest_celery_perf.locks.scribe import NEWS
from pytest_celery_perf.locks.stale import StaleEntry
from pytest_celery_perf.measure.differences import former_name, standing
from pytest_celery_perf.measure.facts import facts_of, lasts_by_the_clock
from pytest_celery_perf.model.codec import encode
from pytest_celery_perf.model.lock import LockNews, Standing, TestFacts
from pytest_celery_perf.model.verdict import Verdict
from pytest_celery_perf.stash import ACTIVE, OUTPUT, PLACE, RERUN
from pytest_celery_perf.sweep.rerun import Rerunner, tear_down

if TYPE_CHECKING:
    from pytest_celery_perf.options import Options
    from pytest_celery_perf.session import ActiveTest

TITLE = "celery-perf"
WRITES = {
    "": frozenset[Standing](),
    "missing": frozenset({Standing.NEW}),
    "changed": frozenset({Standing.NEW, Standing.MORE, Standing.LESS}),
    "all": frozenset({Standing.NEW, Standing.MORE, Standing.LESS, Standing.RENAMED}),
}
"""By the mode of ``--celery-perf-update``: of which tests the facts are written."""
_NEWS: pytest.StashKey[LockNews] = pytest.StashKey()
_VERSIONS = ("python", "celery", "kombu", "redis", "django")
"""On which the number of Python calls depends."""


class Keeper:
    """What a pytest process that runs tests does for their lock files.

    Args:
        options: The settings.
    """

    def __init__(self, options: Options) -> None:
        self._options = options
        self._writes = WRITES[options.update]
        self._attempts = Attempts()

    def judge(self, item: pytest.Item) -> None:
        """Add the verdicts on what a test has done to those of its markers."""
        active = item.stash[ACTIVE]
        if RERUN in item.stash or active.diagnosis or not _speaks(item, active):
            return
        news = self._news(item, active)
        verdicts = self._attempts.hold(item.nodeid, self._verdicts(item, active, news))
        active.verdicts = (*active.verdicts, *verdicts)
        item.stash[_NEWS] = news

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Attach the news of a test to its report."""
        report = yield
        if call.when == "call" and _NEWS in item.stash:
            attach(item.stash[_NEWS], report)
        if call.when == "call" and isinstance(item, StaleEntry):
            item.config.stash[OUTPUT].results.record_set_up(item, report, (item.verdict,))
        return report

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item, nextitem: pytest.Item | None) -> bool | None:
        """Run a test whose facts may be written as often as it takes to know them."""
        if not self._options.update or PLACE not in item.stash or item.config.option.setuponly:
            return None
        item.ihook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
        for report in self._reports(item, nextitem):
            item.ihook.pytest_runtest_logreport(report=report)
        item.ihook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)
        return True

    def _reports(self, item: pytest.Item, nextitem: pytest.Item | None) -> list[pytest.TestReport]:
        began_s = time.monotonic()
        first = Rerunner(item).run(judged=True)
        call, active = first.call, first.active
        if call is not None and active is not None:
            if first.passed and _speaks(item, active):
                self._lock(item, active, call)
            call.duration = time.monotonic() - began_s
            item.config.stash[OUTPUT].results.record(active, item, call)
        last = tear_down(item, nextitem)
        setup, *others, teardown = first.reports
        return [setup, *others, last if teardown.passed else teardown]

    def _lock(self, item: pytest.Item, active: ActiveTest, call: pytest.TestReport) -> None:
        """Find out what is to be written of a test, and say so in its report."""
        news = self._news(item, active)
        try:
            if news.standing in self._writes:
                news = self._settled(item, news)
            verdicts = self._verdicts(item, active, news)
        except FailsAgainError as again:
            verdicts = (fails_again(again.seed, str(again)),)
            call.sections += again.sections
        active.verdicts = (*active.verdicts, *verdicts)
        output = item.config.stash[OUTPUT]
        if complaint := output.complaint(active):
            call.outcome, call.longrepr = "failed", complaint
        else:
            call.sections.append((TITLE, output.explained(verdicts)))
        attach(news, call)

    def _settled(self, item: pytest.Item, news: LockNews) -> LockNews:
        """Return the news of a test with the facts that shall be written."""
        if news.standing is Standing.RENAMED:
            facts = item.stash[PLACE].removed[news.was]
        else:
            facts = steady(item, news.facts or TestFacts(), versions())
        return replace(news, standing=Standing.LOCKED, facts=facts)

    def _news(self, item: pytest.Item, active: ActiveTest) -> LockNews:
        """Say how a test stands to its lock file, with what it did."""
        place = item.stash[PLACE]
        facts = facts_of(active.history, versions())
        was = ""
        if place.locked is not None:
            stands = standing(place.locked, facts)
        else:
            was = former_name(place.test, facts, place.removed)
            stands = Standing.RENAMED if was else Standing.NEW
        return LockNews(
            path=str(place.path),
            module=place.module.name,
            test=place.test,
            nodeid=item.nodeid,
            standing=stands,
            databases=place.databases,
            facts=facts,
            was=was,
        )

    def _verdicts(self, item: pytest.Item, active: ActiveTest, news: LockNews) -> tuple[Verdict, ...]:
        place, facts, strict = item.stash[PLACE], news.facts or TestFacts(), self._options.strict
        file = place.path.name
        if news.standing is Standing.LOCKED:
            return (newly_locked(facts, file),)
        if place.elsewhere:
            return (other_databases(place.lock.databases, place.databases, file),)
        if place.locked is None:
            return (stands_apart(facts, news.standing, file, item.nodeid, news.was, strict=strict),)
        return judge(place.locked, facts, active.history, item.nodeid, Path.cwd(), strict=strict)


def _speaks(item: pytest.Item, active: ActiveTest) -> bool:
    """Tell whether what a test did says anything: it published tasks, if not as many as there was time for."""
    published = active.history.publications or item.stash[PLACE].locked is not None
    return bool(published) and not lasts_by_the_clock(active.history)


def attach(news: LockNews, report: pytest.TestReport) -> None:
    """Give the news of a test to its report; facts only if they are to be written."""
    told = news if news.standing is Standing.LOCKED else replace(news, facts=None)
    setattr(report, NEWS, json.dumps(encode(told)))


@cache
def versions() -> str:
    """Return the versions on which the number of Python calls depends, as a reader understands them."""
    found = environment()
    return ", ".join(f"{name} {found[name]}" for name in _VERSIONS if name in found)
