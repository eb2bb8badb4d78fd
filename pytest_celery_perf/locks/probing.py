"""Runs a test several times to find out which of its facts are the same in each run.

Hash seeds decide the order of sets; so each of three runs has workers of its own, which start with another seed and
with empty caches. A last run is on workers that have run the test before, and whose caches are full.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from pytest_celery_perf.measure.facts import facts_of
from pytest_celery_perf.model.lock import TestFacts
from pytest_celery_perf.model.record import Outcome
from pytest_celery_perf.model.spec import RetriesBudget, TestSpec
from pytest_celery_perf.stash import SPEC
from pytest_celery_perf.sweep.rerun import Pass, Rerunner

if TYPE_CHECKING:
    import pytest

    from pytest_celery_perf.model.history import History

SEEDS = 3
WARM_RUNS = 8
"""How often the test is run on warm workers, as long as a task of it runs in a process that has not run it before."""
_VARIABLE = "PYTHONHASHSEED"
_LARGEST_SEED = (1 << 32) - SEEDS
# Of Python: https://docs.python.org/3/using/cmdline.html#envvar-PYTHONHASHSEED


class FailsAgainError(Exception):
    """A test that has passed fails when it is run again.

    Args:
        seed: The hash seed of its workers.
        run: The run that failed.
    """

    def __init__(self, seed: int, run: Pass) -> None:
        super().__init__(run.found.complaint)
        self.seed = seed
        self.sections = [section for report in run.reports if report.failed for section in report.sections]


def steady(item: pytest.Item, facts: TestFacts, environment: str) -> TestFacts:
    """Return bounds within which the facts of a test stay in every run; where all agree, they are numbers.

    Args:
        item: The test, which has run once and passed.
        facts: What it did then.
        environment: The versions on which a count of Python calls depends.

    Raises:
        FailsAgainError: It does not pass every time.
    """
    for run in _runs(item):
        facts |= facts_of(run.found.history, environment)
    return facts


def _runs(item: pytest.Item) -> Iterator[Pass]:
    # Of each test others, so that no workers are reused.
    first = zlib.crc32(item.nodeid.encode()) % _LARGEST_SEED + 1
    seed = first
    for seed in range(first, first + SEEDS):
        yield _run(item, seed)
    for _ in range(WARM_RUNS):
        run = _run(item, seed)
        yield run
        if _is_warm(run.found.history):
            return


def _run(item: pytest.Item, seed: int) -> Pass:
    spec = item.stash[SPEC]
    item.stash[SPEC] = _seeded(spec, seed)
    try:
        run = Rerunner(item).run(judged=True)
    finally:
        item.stash[SPEC] = spec
    if not run.passed:
        raise FailsAgainError(seed, run)
    return run


def _seeded(spec: TestSpec, seed: int) -> TestSpec:
    """Return what a test asks for, on workers with a hash seed, and without the budgets that times might break.

    Workers that are forked from one process share its seed, so these start cold.
    """
    workers = tuple(replace(worker, start="cold", env=(*worker.env, (_VARIABLE, str(seed)))) for worker in spec.workers)
    # These have the messages carry shorter countdowns.
    kept = tuple(budget for budget in spec.budgets if isinstance(budget, RetriesBudget))
    return replace(spec, workers=workers, budgets=kept)


def _is_warm(history: History) -> bool:
    """Tell whether each task that succeeded ran in a process that had run it before."""
    return not any(each.first_in_process and each.outcome is Outcome.SUCCEEDED for each in history.executions)
