"""Writes lock files, in the process that reports: alone, or as the controller of pytest-xdist."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pytest_celery_perf.errors import ConfigurationError

if TYPE_CHECKING:
    from pytest_celery_perf.model.lock import LockNews
    from pytest_celery_perf.options import Options
    from pytest_celery_perf.output import Output

NAME = "celery_perf_scribe"
NEWS = "celery_perf_lock"
"""The attribute of a report, and the key of what an xdist worker gives, that hold news as text."""
REFUSED = "celery_perf_refused"
"""The key of what an xdist worker gives that holds why it runs no test."""


class Scribe:
    """Takes the news of all tests, in whatever order they come, and writes once.

    Args:
        options: The settings.
        output: What the terminal will say goes there.
    """

    def __init__(self, options: Options, output: Output) -> None:
        self._options = options
        self._output = output
        self._news: dict[tuple[str, str], LockNews] = {}
        self._failed: set[str] = set()

    def take(self, texts: Iterable[str]) -> None:
        """Take news, as text."""
        from dataclasses import replace

        from pytest_celery_perf.model.codec import decode
        from pytest_celery_perf.model.lock import LockNews

        for text in texts:
            news = decode(LockNews, json.loads(text))
            before = self._news.get((news.path, news.test))
            if before and before.facts and news.facts:  # it has run twice
                news = replace(news, facts=before.facts | news.facts)
            self._news[news.path, news.test] = news

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Take what is attached to a report; a test that fails anywhere changes no file."""
        if report.failed:
            self._failed.add(report.nodeid)
        if hasattr(report, NEWS):
            self.take([getattr(report, NEWS)])

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        """Take what an xdist worker knows of entries whose tests are gone.

        Raises:
            pytest.UsageError: It has found a lock file that cannot be used, as all others have.
        """
        given = getattr(node, "workeroutput", {})
        if REFUSED in given:
            raise pytest.UsageError(given[REFUSED])
        self.take(given.get(NEWS, ()))

    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> None:
        """Write the files, and have the terminal tell; a run that lists tests, or was broken off, drops nothing."""
        if not self._news:
            return
        option = session.config.option
        over = exitstatus in {pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED}
        dropped = self._options.update == "all" and over and not (option.collectonly or option.setuponly)
        from pytest_celery_perf.report.locks import notice_lines

        news = [each for each in self._news.values() if each.nodeid not in self._failed]
        if self._options.update:
            for path in sorted({each.path for each in news}):
                told = [each for each in news if each.path == path]
                try:
                    self._write(Path(path), told, dropped=dropped)
                except (OSError, ConfigurationError) as error:
                    self._output.fail(session, f"not locked: the tests of {told[0].module}: {error}")
                    news = [each for each in news if each.path != path]
        self._output.notices += notice_lines(news, dropped=dropped)

    def _write(self, path: Path, news: Iterable[LockNews], *, dropped: bool) -> None:
        from pytest_celery_perf.baseline.lock import dumps, read, updated
        from pytest_celery_perf.model.lock import Lock, Standing

        every = list(news)
        lock = read(path) if path.exists() else Lock()
        facts = {each.test: each.facts for each in every if each.standing is Standing.LOCKED and each.facts}
        gone = [each.test for each in every if each.standing is Standing.REMOVED and dropped]
        if not facts and not gone:
            return
        databases = next((each.databases for each in every if each.facts), lock.databases)
        after = updated(lock, Lock(databases=databases, tests=facts), gone)
        if after.tests:
            path.write_text(dumps(after, every[0].module), encoding="utf-8", newline="\n")
        else:
            path.unlink()
