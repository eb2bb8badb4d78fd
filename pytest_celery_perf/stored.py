"""Compares a test run with stored ones, and stores it: what ``--celery-perf-baseline`` adds to pytest."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pytest_celery_perf.baseline import workload
from pytest_celery_perf.baseline.calibration import calibrate
from pytest_celery_perf.baseline.environment import environment
from pytest_celery_perf.baseline.git import Git
from pytest_celery_perf.baseline.history import append, stored_runs
from pytest_celery_perf.errors import BaselineError, CeleryPerfError, ConfigurationError
from pytest_celery_perf.files import check_folder
from pytest_celery_perf.judge.stored import begin_anew, judge, refusal, told_failing
from pytest_celery_perf.measure.stored import Past, figures_of
from pytest_celery_perf.model.baseline import Standard, StoredFigure, StoredRun, circumstances
from pytest_celery_perf.model.codec import decode, encode
from pytest_celery_perf.stash import OUTPUT, SESSION

if TYPE_CHECKING:
    from pytest_celery_perf.model.result import TestResult
    from pytest_celery_perf.model.verdict import Verdict
    from pytest_celery_perf.options import Options
    from pytest_celery_perf.session import ActiveTest

NOW = "celery_perf_now"
"""The key under which an xdist worker is told what the controller knows of this run: one of them calibrates, alone."""


class StoredRuns:
    """A plugin of pytest, registered only where stored runs are asked for.

    Args:
        config: pytest's configuration.
        options: The settings.

    Raises:
        ConfigurationError: There is no directory to compare with, or to store in, or it cannot be written.
    """

    def __init__(self, config: pytest.Config, options: Options) -> None:
        self._config = config
        self._options = options
        if options.baseline is None:
            raise ConfigurationError(
                "celery_perf_baseline_save: celery_perf_baseline does not say where to store the run"
            )
        self._name, self._folder = str(options.baseline), options.baseline.absolute()
        if options.baseline_save:
            check_folder(self._folder, "celery_perf_baseline")
        elif os.access(self._folder, os.F_OK) and not self._folder.is_dir():
            raise ConfigurationError(f"celery_perf_baseline: {options.baseline} is no directory")

    @cached_property
    def _now(self) -> StoredRun:
        given = getattr(self._config, "workerinput", {}).get(NOW)
        if given is not None:
            return decode(StoredRun, json.loads(given))
        processes = len(self._config.getoption("tx", None) or "1")
        return StoredRun(
            created=datetime.now().astimezone().isoformat(),
            commit="",
            environment={
                **circumstances(environment(), self._options.settings),
                "processes": str(processes),
                "workload": str(workload.VERSION),
            },
            calibration=calibrate(),
        )

    @cached_property
    def standard(self) -> Standard:
        """What this run is compared with.

        Raises:
            pytest.UsageError: It cannot be read or measured.
        """
        try:
            return Standard.of(self._name, self._now, stored_runs(self._folder))
        except CeleryPerfError as error:
            raise pytest.UsageError(str(error)) from error

    @cached_property
    def _past(self) -> Past:
        return Past.of(self.standard.runs)

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:
        """Tell a worker of pytest-xdist how fast this machine is."""
        node.workerinput[NOW] = json.dumps(encode(self.standard.now))

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection(self) -> None:
        """Calibrate, before anything else is under way."""
        if not self._config.option.collectonly:
            _ = self.standard

    def pytest_collection_finish(self) -> None:
        """Have the tests compared."""
        if SESSION in self._config.stash:
            self._config.stash[SESSION].judges.append(self._judge)

    def _judge(self, active: ActiveTest) -> tuple[Verdict, ...]:
        if not active.spec.undisturbed:
            return ()
        return judge(active.nodeid, active.history, self.standard, self._past, active.spec.regression)

    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> None:
        """Store the run, unless something failed."""
        output = self._config.stash[OUTPUT]
        if hasattr(self._config, "workerinput") or not output.results.tests:
            return
        output.notices += self._compared()
        if self._options.baseline_save:
            try:
                output.notices.append(self._save(output.results.tests, exitstatus))
            except BaselineError as error:
                output.fail(session, f"not stored: {error}")

    def _compared(self) -> list[str]:
        if not self.standard.runs and not self.standard.others:
            return [f"{self._name} holds no run to compare with"]
        return [] if self.standard.runs else [f"{self._name}: {refusal(self.standard)}"]

    def _save(self, tests: Iterable[TestResult], exitstatus: int) -> str:
        if exitstatus != 0:
            return "not stored: a run with a failure is no baseline"
        figures = tuple(_figures(tests))
        if not figures:
            return "not stored: no task has run"
        for (test, task), failing in self._past.failing(figures).items():
            if failing.more:
                return (
                    f"not stored: more of {task} came to nothing in {test} than before, {told_failing(failing)}: mend "
                    f"them or, where it is meant, {begin_anew(self.standard)}"
                )
        commit = commit_of(self._config.rootpath)
        path = append(self._folder, replace(self.standard.now, commit=commit, figures=figures))
        return f"stored: {Path(self._name, path.name)}"


def _figures(tests: Iterable[TestResult]) -> Iterable[StoredFigure]:
    """Yield what is stored of the tests: not of one with faults, nor of one that was tried again after a failure."""
    results: dict[str, list[TestResult]] = {}
    for test in tests:
        results.setdefault(test.nodeid, []).append(test)
    for nodeid, found in results.items():
        test, *others = found
        if test.outcome == "passed" and not (others or test.history.faults or test.sweeps):
            yield from figures_of(nodeid, test.history)


def commit_of(folder: Path) -> str:
    """Return the commit of a work tree, with a ``+`` if it holds more than that; nothing outside of a repository."""
    git = Git(folder, {})
    try:
        commit = git.find("rev-parse", "--short", "HEAD")
        return f"{commit}+" if commit and git.find("status", "--porcelain", "--untracked-files=no") else commit
    except FileNotFoundError:  # there is no git
        return ""
