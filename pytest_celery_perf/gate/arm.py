"""A pytest process that runs one of its tests whenever the gate says so, and tells what that took.

Everything is as in any test run, but who chooses the next test, and that nothing is judged or reported.
"""

from __future__ import annotations

import json
import os
import socket
import sys
from collections.abc import Generator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from pytest_celery_perf.baseline.environment import environment
from pytest_celery_perf.gate.channel import (
    VARIABLE,
    Assignment,
    Channel,
    GateError,
    Joined,
    Leave,
    Ran,
    Renew,
    Renewed,
    Run,
)
from pytest_celery_perf.gate.offer import offer
from pytest_celery_perf.measure.taken import samples_of
from pytest_celery_perf.model.codec import decode
from pytest_celery_perf.model.seat import Seat
from pytest_celery_perf.startup import Shared
from pytest_celery_perf.stash import CLEANUP, OPTIONS, SEAT, SESSION
from pytest_celery_perf.sweep.rerun import Pass, Rerunner, tear_down

if TYPE_CHECKING:
    from pytest_celery_perf.session import Session

_NOT_HERE = {"dist": "no", "reuse_db": False, "xmlpath": None, "usepdb": False}
"""Options of pytest and its plugins that an arm does not follow, though the user's test run does."""


def enter(config: pytest.Config) -> None:
    """Make this process an arm.

    Args:
        config: pytest's configuration, of which nobody has read anything yet.
    """
    # The processes that tests start are no arms.
    assignment = decode(Assignment, json.loads(os.environ.pop(VARIABLE)))
    # One that is drawn for the process that all its workers are forked from would tell the arms apart, epoch by epoch.
    os.environ.setdefault("PYTHONHASHSEED", "0")
    connection = socket.socket(socket.AF_UNIX)
    connection.connect(assignment.address)
    arm = Arm(Channel(connection))
    config.stash[CLEANUP].append(arm.close)
    config.stash[SEAT] = Seat(
        broker=Shared.load(assignment.shared).broker,
        slot=assignment.slot,
        suffix=assignment.name,
        config={name: json.loads(value) for name, value in assignment.config.items()},
        cores=assignment.cores,
    )
    if assignment.cold:
        config.option.celery_perf_start = "cold"
    for name, value in _NOT_HERE.items():
        if hasattr(config.option, name):
            setattr(config.option, name, value)
    config.pluginmanager.register(arm, "celery_perf_arm")


class Arm:
    """This end of the comparison, as pytest's hooks see it.

    Args:
        channel: Leads to the gate.
    """

    def __init__(self, channel: Channel) -> None:
        self._channel = channel
        self._errors: list[str] = []
        self._unasked: list[pytest.Item] = []
        """Tests that the user's own options have left out."""
        self._last: pytest.Item | None = None
        """The test that ran last; what belongs to its module or class is still set up."""

    @pytest.hookimpl(wrapper=True)
    def pytest_collection(self) -> Generator[None, object, object]:
        """Tell the gate what keeps this process from having any tests."""
        try:
            return (yield)
        except BaseException as error:
            self._refuse("\n".join(map(str, error.args)) or repr(error))
            raise

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Note what could not be collected."""
        if report.failed:
            self._errors.append(f"{report.nodeid}\n{report.longreprtext.strip()}")

    def pytest_deselected(self, items: Sequence[pytest.Item]) -> None:
        """Note what the user has not asked for."""
        self._unasked += items

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> Generator[None, object, object]:
        """Keep what was deselected: the other arm may know it by a name that was selected."""
        result = yield
        items += self._unasked
        return result

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Serve the gate, in the place of running all tests."""
        offers = [
            replace(found, selected=item not in self._unasked) for item in session.items if (found := offer(item))
        ]
        if session.testsfailed and not session.config.option.continue_on_collection_errors:
            self._refuse("\n".join(self._errors))
        elif not offers:
            self._refuse("no test of it can be compared")
        else:
            app_file = _file_of(session.config.stash[OPTIONS].app)
            self._say(Joined(tests=tuple(offers), environment=environment(), app_file=app_file))
            self._serve({item.nodeid: item for item in session.items}, session.config.stash[SESSION])
        return True

    def _refuse(self, problem: str) -> None:
        self._say(Joined(tests=(), environment=environment(), app_file="", problem=problem))

    def _serve(self, items: dict[str, pytest.Item], workers: Session) -> None:
        """Do what the gate says, until it has enough or is gone."""
        answered = True
        while answered:
            match self._channel.receive(Run, Renew, Leave):
                case Run(nodeid=nodeid, measure=measure):
                    answered = self._say(self._run(items[nodeid], measure))
                case Renew():
                    workers.stop_workers()
                    answered = self._say(Renewed())
                case _:
                    return

    def _run(self, item: pytest.Item, measure: tuple[str, ...]) -> Ran:
        if self._last is not None and self._last is not item:
            tear_down(self._last, item)  # what fails there, fails again when the tests run as always
        self._last = item
        run = Rerunner(item).run(measure=measure)
        return Ran(
            complaint=_complaint(run),
            duration_s=run.found.duration_s,
            samples=samples_of(run.found.history),
        )

    def _say(self, message: Joined | Ran | Renewed) -> bool:
        """Answer; tell whether anybody is there."""
        try:
            self._channel.send(message)
        except GateError:
            return False
        return True

    def close(self) -> None:
        """Leave the gate."""
        self._channel.close()


def _file_of(app: str) -> str:
    """Return where an app was imported from; empty if its module has no file."""
    module = app.partition(":")[0]
    while module and module not in sys.modules:  # its last part names the app, not a module
        module = module.rpartition(".")[0]
    return getattr(sys.modules.get(module), "__file__", None) or ""


def _complaint(run: Pass) -> str:
    """Say why a run counts for nothing; empty if it passed."""
    if run.passed:
        return ""
    diagnosis = run.active.diagnosis if run.active else ""
    if run.found.complaint or diagnosis:
        return run.found.complaint or diagnosis
    report = next(report for report in run.reports if not report.passed)
    reason: Any = report.longrepr
    crash = getattr(reason, "reprcrash", None)  # in which the body was told that tasks do not finish
    return str(reason[2] if isinstance(reason, tuple) else crash.message if crash else report.longreprtext)
