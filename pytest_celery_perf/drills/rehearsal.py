"""The drill of one test, from before its first task to when it waits for them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from pytest_celery_perf.drills.plays import PLAYS
from pytest_celery_perf.drills.scene import Scene
from pytest_celery_perf.model.spec import Budget, DrillBudget

if TYPE_CHECKING:
    from pytest_celery_perf.faults import CeleryFaults
    from pytest_celery_perf.runner.trial import Trial


class Rehearsal:
    """Plays the drill of a test, if it has one.

    Args:
        budgets: What its markers demand.
        trial: Its tasks and workers.
        faults: What it can have go wrong.
        timeout_s: How long anything is waited for.
    """

    def __init__(self, budgets: Iterable[Budget], trial: Trial, faults: CeleryFaults, timeout_s: float) -> None:
        self._trial = trial
        self._scenes = [
            Scene(budget, trial, faults, timeout_s) for budget in budgets if isinstance(budget, DrillBudget)
        ]
        for scene in self._scenes:
            PLAYS[scene.budget.drill].before(scene)

    @property
    def pending(self) -> bool:
        """Whether it is still to be played."""
        return bool(self._scenes)

    def play(self) -> None:
        """Play it now, unless that was done, or nothing has been published yet."""
        self._trial.pump()
        if self._trial.book.publishing:
            while self._scenes:
                scene = self._scenes.pop()
                PLAYS[scene.budget.drill].meanwhile(scene)
