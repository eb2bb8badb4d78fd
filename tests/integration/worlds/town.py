"""A Django project of its own for each test, and what a pytest session there has come to."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pytest_celery_perf.model.result import TestResult
from pytest_celery_perf.report import json
from tests.plugin.inner import Inner, Project

APP = Path(__file__).parent / "apps" / "town"


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """A pytest session that is over."""

    inner: Inner
    results: Mapping[str, TestResult]
    """What our report file tells, by the test's name."""

    def all_passed(self, count: int) -> None:
        """Check that all tests passed, and how many they were."""
        assert (len(self.inner.passed), self.inner.status) == (count, 0), self.inner.text

    def started_how(self, test: str) -> list[str]:
        """Return how the workers of a test were started."""
        return [worker.started_how for worker in self.results[test].history.workers]


class Town:
    """A copy of the project in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        shutil.copytree(APP, folder, ignore=shutil.ignore_patterns("suites", "__pycache__"))
        self.folder = folder

    def visit(self, suite: str, *arguments: str, env: Mapping[str, str] | None = None) -> Visit:
        """Run one of the suites.

        Args:
            suite: A file in the project's ``suites``.
            arguments: Of pytest.
            env: Variables that it has besides.
        """
        shutil.copy(APP / "suites" / f"{suite}.py", self.folder / f"test_{suite}.py")
        report = self.folder / "report.json"
        report.unlink(missing_ok=True)
        inner = Project(self.folder).run(f"--celery-perf-json={report}", *arguments, env=env)
        tests = json.load(report.read_text()).tests if report.exists() else ()
        return Visit(inner=inner, results={test.nodeid.rpartition("::")[2]: test for test in tests})
