"""One run of a test among several: everything that pytest does for it, and what it left behind."""

# ruff: noqa: SLF001 - pytest has no public way to run a test twice.

from __future__ import annotations

import copy
import inspect
import os
import re
import time
from collections.abc import Generator, Iterator
from dataclasses import dataclass, field, replace
from itertools import takewhile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from _pytest.runner import runtestprotocol

from pytest_celery_perf.model.history import History
from pytest_celery_perf.model.state import State
from pytest_celery_perf.model.sweep import Rerun
from pytest_celery_perf.stash import ACTIVE, RERUN, SESSION, SPEC
from pytest_celery_perf.state import capture
from pytest_celery_perf.sweep.tables import OtherTables

if TYPE_CHECKING:
    from pytest_celery_perf.model.spec import RerunBudget
    from pytest_celery_perf.probe.orders import FaultOrder
    from pytest_celery_perf.session import ActiveTest

_PACKAGE = Path(__file__).parents[1]
_INDENTED = re.compile(r"\s|$")
RECOVERY_S = 20.0
"""How much longer than ten times its usual time a test may take that recovers from a fault: on a slow machine, where
workers must start."""
LINES_SHOWN = 10
"""Of what an invariant says."""


@dataclass(slots=True)
class Watch:
    """What is seen of a test at the end of its body, before its fixtures take everything away."""

    budgets: tuple[RerunBudget, ...]
    tables: OtherTables | None
    """Those that Django does not empty after it; None without Django."""
    state: State = field(default_factory=State)
    complaints: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pass:
    """One run, as pytest saw it."""

    reports: tuple[pytest.TestReport, ...]
    """Of its set-up, its call if it came to that, its teardown."""
    active: ActiveTest | None
    """None if its set-up failed."""
    found: Rerun

    @property
    def passed(self) -> bool:
        """Whether nothing was wrong with it."""
        return all(report.passed for report in self.reports) and not self.found.complaint

    @property
    def call(self) -> pytest.TestReport | None:
        """The report of its body."""
        return next((report for report in self.reports if report.when == "call"), None)


class Rerunner:
    """Runs one test several times.

    Args:
        item: The test; its markers make it run several times.
    """

    def __init__(self, item: pytest.Item) -> None:
        self.item = item
        self._spec = item.stash[SPEC]
        self._tables = OtherTables(aliases_of(item)) if _uses_django(item) else None

    @property
    def left_alone(self) -> dict[str, str]:
        """Why runs may find another content in some tables, by the table's name."""
        return {} if self._tables is None else self._tables.left_alone

    def run(
        self,
        *budgets: RerunBudget,
        faults: tuple[FaultOrder, ...] = (),
        size: int | None = None,
        timeout_s: float | None = None,
        measure: tuple[str, ...] = (),
        judged: bool = False,
    ) -> Pass:
        """Run the test once, its fixtures of function scope included; those of wider scope stay.

        Args:
            budgets: The markers whose invariants are checked at its end, for which the databases are read.
            faults: What its tasks must suffer.
            size: That of its data, if it runs once for each of several.
            timeout_s: How long it may wait for them; None: as long as any test.
            measure: What its tasks are measured with besides.
            judged: Whether the budgets of its other markers are judged, too.
        """
        item, spec = self.item, self._spec
        kept = spec.budgets if judged else ()
        measured = (*spec.measure, *measure)
        item.stash[SPEC] = replace(spec, budgets=kept, faults=faults, size=size, timeout_s=timeout_s, measure=measured)
        item.stash[RERUN] = watch = Watch(budgets, self._tables if budgets else None)
        _forget_last(item)
        began_s = time.monotonic()
        try:
            # To pytest another test of the same place follows: so what the place has is kept.
            reports = tuple(runtestprotocol(item, log=False, nextitem=copy.copy(item)))
        finally:
            item.stash[SPEC] = spec
            del item.stash[RERUN]
        active = item.stash.get(ACTIVE, None)
        unfinished = active is not None and bool(active.told or active.diagnosis)
        return Pass(
            reports=reports,
            active=active,
            found=Rerun(
                history=History() if active is None else active.history,
                state=watch.state,
                complaint="\n".join([*_complaints(reports, unfinished=unfinished), *watch.complaints]),
                unfinished=unfinished,
                duration_s=time.monotonic() - began_s,
            ),
        )


def tear_down(item: pytest.Item, nextitem: pytest.Item | None) -> pytest.TestReport:
    """Tear down what the next test does not need; the runs have kept all that is not the test's own."""
    call = pytest.CallInfo.from_call(
        lambda: item.session._setupstate.teardown_exact(nextitem), when="teardown", reraise=(pytest.exit.Exception,)
    )
    if getattr(item, "funcargs", {}) is None:
        setattr(item, "funcargs", {})  # noqa: B010 - pytest has emptied it; plugins such as pytest-benchmark look into it
    report: pytest.TestReport = item.ihook.pytest_runtest_makereport(item=item, call=call)
    return report


def _forget_last(item: pytest.Item) -> None:
    """Make a test as it was before it ran."""
    if ACTIVE in item.stash:
        del item.stash[ACTIVE]
    item._report_sections.clear()
    method: Any = item
    if getattr(method, "_instance", None) is not None:
        del method._instance
        method.obj = method._getobj()  # bound to an instance of its own, as in every run of a method


def _complaints(reports: tuple[pytest.TestReport, ...], *, unfinished: bool) -> Iterator[str]:
    """Tell what failed, each in a line; not that tasks did not finish, which their classes tell better."""
    for report in reports:
        if report.failed and not (report.when == "call" and unfinished):
            crash = getattr(report.longrepr, "reprcrash", None)
            text = crash.message if crash else report.longreprtext
            place = f" ({crash.path}:{crash.lineno})" if crash and not is_ours(crash.path) else ""
            where = "the test's own check" if report.when == "call" else f"its {report.when}"
            first, announced = _gist(text)
            yield "\n".join([f"{where} failed: {first}{place}", *announced])


def _gist(text: str) -> tuple[str, list[str]]:
    """Return the first line of an error, and what it announces by a colon: the last lines of a worker, indented."""
    first, *others = text.strip().splitlines() or ["without a word"]
    return first, list(takewhile(_INDENTED.match, others)) if first.endswith(":") else []


def is_ours(path: str) -> bool:
    """Tell whether a file is one of this package: that it raised an error there says nothing of the test."""
    return Path(os.path.realpath(path)).is_relative_to(os.path.realpath(_PACKAGE))


@pytest.hookimpl(wrapper=True)
def pytest_fixture_setup(
    fixturedef: pytest.FixtureDef[object], request: pytest.FixtureRequest
) -> Generator[None, object, object]:
    """Keep what the tables hold that Django does not empty, and put it back.

    Source:
        ``pytest_django.fixtures._django_db_helper``, on which every fixture depends that may use the databases: those
        that use it are set up after it, and torn down before.
    """
    result = yield
    watch = request.node.stash.get(RERUN, None) if fixturedef.argname == "_django_db_helper" else None
    if watch is not None and watch.tables is not None:
        watch.tables.keep()
        request.addfinalizer(watch.tables.put_back)
    return result


@pytest.hookimpl(wrapper=True, tryfirst=True)  # around the wrapper that waits for the tasks and judges them
def pytest_runtest_call(item: pytest.Item) -> Iterator[None]:
    """After the body and its tasks, look at the databases and check the invariants."""
    if RERUN not in item.stash:
        return (yield)
    try:
        result = yield
    except (KeyboardInterrupt, pytest.exit.Exception):
        raise
    except BaseException:
        _look(item, item.stash[RERUN])
        raise
    _look(item, item.stash[RERUN])
    return result


def _look(item: pytest.Item, watch: Watch) -> None:
    if watch.tables is not None:
        try:
            watch.state = capture(aliases_of(item), watch.tables.readable())
        except Exception as error:  # noqa: BLE001 - whatever the fault has done to the database is a finding
            watch.complaints.append(f"the database cannot be read any more: {error!r}")
    for budget in watch.budgets:
        if budget.invariant is not None:
            watch.complaints += _broken(budget.invariant, item)


def _uses_django(item: pytest.Item) -> bool:
    return item.config.stash[SESSION].project.uses_django


def aliases_of(item: pytest.Item) -> tuple[str, ...]:
    """Return the aliases of the databases that a test may use, as pytest-django understands its marker."""
    from django.db import DEFAULT_DB_ALIAS, connections

    mark = item.get_closest_marker("django_db")
    named = mark.kwargs.get("databases") if mark else None
    if named == "__all__":
        return tuple(connections)
    return tuple(sorted(named)) if named else (DEFAULT_DB_ALIAS,)


def _broken(invariant: Any, item: pytest.Item) -> list[str]:
    """Return why an invariant does not hold; nothing if it does."""
    funcargs: dict[str, Any] = getattr(item, "funcargs", {})
    wanted = [each for each in inspect.signature(invariant).parameters if each in funcargs]
    name = getattr(invariant, "__name__", repr(invariant)).replace("<lambda>", "lambda")
    try:
        held = invariant(**{each: funcargs[each] for each in wanted})
    except Exception as error:  # noqa: BLE001 - the user's function
        lines = str(error).strip().splitlines() or [type(error).__name__]
        return ["\n".join([f"the invariant {name} is broken: {lines[0]}", *lines[1:LINES_SHOWN]])]
    return [f"the invariant {name} is broken: it returned False"] if held is False else []
