"""Runs scenes of the mill in a pytest of their own, on real workers, and tells what became of their tasks."""

from __future__ import annotations

import json as plain_json
import re
import shutil
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest
from kombu.transport.redis import Channel

from pytest_celery_perf.measure.outcomes import Classified, TaskClass, classify
from pytest_celery_perf.model.faults import Fault
from pytest_celery_perf.model.history import History
from pytest_celery_perf.model.record import Execution
from pytest_celery_perf.model.result import TestResult
from pytest_celery_perf.report import json
from pytest_celery_perf.report.terminal import verdicts_text
from tests.plugin.inner import Case, Inner, Project

looks_often = pytest.mark.skipif(
    not hasattr(Channel, "unacked_restore_interval"), reason="this kombu looks every 100 s, whatever is configured"
)
"""For what needs workers that look often for messages whose visibility timeout has passed."""
MILL = Path(__file__).parent / "apps" / "mill"


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """A scene that is over."""

    case: Case
    """What pytest said of it."""
    result: TestResult
    """What our report file tells."""

    @property
    def history(self) -> History:
        """What happened in it."""
        return self.result.history

    @property
    def told(self) -> str:
        """Its failure with the verdicts, which pytest shows apart where tasks did not finish in its body.

        Without what only aligns the columns of a table.
        """
        told = "\n".join((self.case.message, verdicts_text(self.result.verdicts)))
        return re.sub(" +", " ", told)

    @property
    def tasks(self) -> tuple[Classified, ...]:
        """Its tasks, each with its class."""
        return classify(self.history)

    @property
    def classes(self) -> dict[TaskClass, int]:
        """How many of its tasks are of which class."""
        return dict(Counter(each.task_class for each in self.tasks))

    @property
    def reasons(self) -> str:
        """Why they are, a line each."""
        return "\n".join(each.reason for each in self.tasks)

    @property
    def begun(self) -> list[Execution]:
        """Its executions that a process began to run, in order of receipt."""
        return [each for each in self.history.executions if each.started]

    def faults(self, kind: str) -> list[Fault]:
        """Return its faults of a kind."""
        return [fault for fault in self.history.faults if fault.kind == kind]

    def lacks(self, *words: str) -> list[str]:
        """Return which of the words are not said of its failure."""
        assert self.case.outcome == "failed", f"{self.case.outcome}: {self.case.message}"
        return [each for each in words if each not in self.told]


class Scenes:
    """The scenes of a file, by name.

    Args:
        inner: What pytest said of them.
        results: What our report file tells of them.
    """

    def __init__(self, inner: Inner, results: Mapping[str, TestResult]) -> None:
        self._inner = inner
        self._results = results

    def __getitem__(self, name: str) -> Scene:
        assert name in self._results, self._inner.text
        return Scene(case=self._inner.cases[name], result=self._results[name])

    def passed(self, name: str) -> Scene:
        """Return a scene that must pass."""
        scene = self[name]
        assert scene.case.outcome == "passed", scene.case.message
        return scene


def play(file: str, folder: Path, transport: Mapping[str, object] | None = None) -> Scenes:
    """Run the scenes of a file.

    Args:
        file: Its name, without suffix.
        folder: A new folder, for a copy of the project.
        transport: The app's ``broker_transport_options``.
    """
    shutil.copytree(MILL, folder, ignore=shutil.ignore_patterns("__pycache__"))
    report = folder / "report.json"
    environment = {"MILL_TRANSPORT": plain_json.dumps(transport or {})}
    inner = Project(folder).run(f"--celery-perf-json={report}", f"{file}.py", env=environment)
    assert report.exists(), inner.text
    tests = json.load(report.read_text()).tests
    return Scenes(inner, {test.nodeid.rpartition("::")[2]: test for test in tests})
