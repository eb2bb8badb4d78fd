"""Entries of lock files without a test, as tests that fail: terminal, JUnit, report and exit status agree on them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from pytest_celery_perf.baseline.lock import module_of
from pytest_celery_perf.judge.entries import removed
from pytest_celery_perf.model.lock import LockNews
from pytest_celery_perf.model.verdict import Verdict
from pytest_celery_perf.report.junit import user_properties
from pytest_celery_perf.report.terminal import verdicts_text


class LockFile(pytest.File):
    """A lock file, where pytest expects what tests are in."""

    def collect(self) -> Iterator[pytest.Item]:  # type: ignore[explicit-override]  # from Python 3.12 on
        """Yield nothing: what is stale is known once all modules are collected."""
        yield from ()


class StaleEntry(pytest.Item):
    """An entry whose test is gone: it fails."""

    verdict: Verdict

    def reportinfo(self) -> tuple[Path, None, str]:  # type: ignore[explicit-override]
        """Return the lock file, and the entry's name for the title of the failure."""
        return self.path, None, f"{self.path.name}::{self.name}"

    def runtest(self) -> None:  # type: ignore[explicit-override]
        """Fail."""
        pytest.fail(verdicts_text([self.verdict]), pytrace=False)


def stale_entries(session: pytest.Session, gone: Iterable[LockNews]) -> Iterator[StaleEntry]:
    """Yield a test that fails for each entry of a lock file whose test is gone.

    Args:
        session: Of pytest.
        gone: The entries.
    """
    for news in gone:
        file = LockFile.from_parent(session, path=Path(news.path))
        entry: StaleEntry = StaleEntry.from_parent(file, name=news.test)
        module, there = news.nodeid.partition("::")[0], module_of(file.path).exists()
        entry.verdict = removed(news.test, file.path.name, module, there=there)
        entry.user_properties += user_properties([entry.verdict], ())
        yield entry
