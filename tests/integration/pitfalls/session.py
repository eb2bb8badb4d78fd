"""Runs the scenes of an app beside this file in a pytest of their own, on real workers."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import xml.etree.ElementTree as ET
from dataclasses import dataclass
from pathlib import Path

from pytest_celery_perf.measure.summary import Run
from pytest_celery_perf.model.record import Outcome
from pytest_celery_perf.report import json
from tests.plugin.inner import LEAN

APPS = Path(__file__).parent / "apps"
_OUTER = re.compile("PYTEST_|COV_|COVERAGE_|CELERY_|DJANGO_SETTINGS_MODULE$")
"""Variables that belong to the pytest which runs this."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """A pytest session that is over."""

    folder: Path
    """Where its reports are."""
    output: str
    failures: dict[str, str]
    """Message by the name of the test, of those that failed."""
    runs: dict[str, Run]
    """What became of the tasks, by the name of the test."""

    def passed(self, scene: str) -> Run:
        assert scene not in self.failures, self.failures[scene]
        assert scene in self.runs, self.output
        return self.runs[scene]

    def failed(self, scene: str) -> str:
        """Return the message of a scene that must not pass."""
        assert scene in self.failures, self.output
        return self.failures[scene]


def run(project: str, *arguments: str, folder: Path, app: str | None = None, **variables: str) -> Session:
    """Run scenes.

    Args:
        project: A folder of ``apps``.
        arguments: Of pytest.
        folder: Where the reports go.
        app: The Celery app, if the project's ini file does not name it.
        variables: More environment variables.
    """
    junit, report = folder / "junit.xml", folder / "report.json"
    command = [sys.executable, "-m", "pytest", *LEAN, "-p", "no:cacheprovider", "--celery-perf-broker=process"]
    command += [f"--junitxml={junit}", f"--celery-perf-json={report}", *arguments]
    if app is not None:
        command.append(f"--celery-perf-app={app}")
    environment = {name: value for name, value in os.environ.items() if not _OUTER.match(name)} | variables
    process = subprocess.run(
        command, cwd=APPS / project, env=environment, capture_output=True, text=True, timeout=240, check=False
    )
    output = process.stdout + process.stderr
    assert process.returncode in {0, 1, 2}, output  # passed, failed, or refused at collection
    return Session(
        folder=folder,
        output=output,
        failures=_failures(junit),
        runs={_name(test.nodeid): Run.of(test.history) for test in json.load(report.read_text()).tests},
    )


def query_counts(run: Run, phase: str = "body") -> list[int]:
    """Return how many queries each execution sent, transaction control included, in order of receipt."""
    return [sum(use.count for use in execution.queries if use.phase == phase) for execution in run.history.executions]


def outcomes(run: Run) -> list[Outcome | None]:
    """Return how each execution ended, in order of receipt."""
    return [execution.outcome for execution in run.history.executions]


def _failures(junit: Path) -> dict[str, str]:
    cases = ET.parse(junit).getroot().iter("testcase")
    problems = {
        case.get("name", ""): [problem for kind in ("failure", "error") for problem in case.findall(kind)]
        for case in cases
    }
    return {name: "\n".join(each.text or "" for each in found) for name, found in problems.items() if found}


def _name(nodeid: str) -> str:
    return nodeid.rpartition("::")[2]
