"""Runs a test once for each size of its data, for the sake of ``celery_scaling``."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_celery_perf.judge import judge_all
from pytest_celery_perf.judge.undecided import settled
from pytest_celery_perf.measure.selection import joined
from pytest_celery_perf.model.history import History
from pytest_celery_perf.model.record import Outcome
from pytest_celery_perf.model.scaling import ScalingBudget
from pytest_celery_perf.stash import OPTIONS, OUTPUT, SPEC
from pytest_celery_perf.sweep.rerun import Pass, Rerunner, tear_down

if TYPE_CHECKING:
    import pytest

    from pytest_celery_perf.session import ActiveTest

TITLE = "celery-perf"
COLD_RUNS = 16
"""How often the test is run again because its task ran in a process for the first time: there caches are empty, and
the worker chooses the process. Where each execution has a process of its own, all are alike."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sized:
    """The run for one size."""

    size: int
    run: Pass


def reports_of(item: pytest.Item, nextitem: pytest.Item | None) -> list[pytest.TestReport]:
    """Run the test for each size; return what pytest is to report of it."""
    began_s = time.monotonic()
    runs = list(_runs(Rerunner(item), item.stash[SPEC].sizes))
    last = tear_down(item, nextitem)
    shown = runs[-1]  # the first that failed, if one did
    setup, *others, teardown = shown.run.reports
    call, active = shown.run.call, shown.run.active
    if call is not None and active is not None:
        if shown.run.passed:
            _judge(call, active, runs, item)
        else:
            call.sections.append((TITLE, f"the run with celery_size={shown.size}"))
        call.duration = time.monotonic() - began_s - setup.duration - last.duration
        item.config.stash[OUTPUT].results.record(active, item, call)
    return [setup, *others, last if teardown.passed else teardown]


def _runs(rerunner: Rerunner, sizes: tuple[int, ...]) -> Iterator[Sized]:
    """Run the test for one size after the other, until it fails."""
    patience = COLD_RUNS
    for size in sizes:
        run = rerunner.run(size=size, judged=True)
        while run.passed and patience and _cold(run.found.history):
            patience -= 1
            run = rerunner.run(size=size, judged=True)
        yield Sized(size=size, run=run)
        if not run.passed:
            return


def _cold(history: History) -> bool:
    """Tell whether a task ran in no process that had run it before."""
    ran = {each.name for each in history.executions if each.outcome is Outcome.SUCCEEDED}
    return bool(ran - {each.name for each in history.executions if each.started and not each.first_in_process})


def _judge(call: pytest.TestReport, active: ActiveTest, runs: list[Sized], item: pytest.Item) -> None:
    """Add the verdicts on growth to those of all the runs."""
    output = item.config.stash[OUTPUT]
    history = joined([each.run.found.history for each in runs])
    sizes = {one.root_id: each.size for each in runs for one in each.run.found.history.publications}
    active.history = replace(history, sizes=sizes)
    budgets = [each for each in item.stash[SPEC].budgets if isinstance(each, ScalingBudget)]
    verdicts = settled(judge_all(budgets, active.history, Path.cwd()), item.config.stash[OPTIONS].inconclusive)
    active.verdicts = tuple(one for each in runs if each.run.active for one in each.run.active.verdicts) + verdicts
    if complaint := output.complaint(active):
        # As pytest tells a failure that was expected.
        call.outcome, call.longrepr = "skipped" if hasattr(call, "wasxfail") else "failed", complaint
    else:
        call.sections.append((TITLE, output.explained(verdicts)))
