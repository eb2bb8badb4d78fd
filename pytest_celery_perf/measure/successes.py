"""Whether more tasks came to nothing than in stored runs: that is counted, and the machine has no part in it.

Where tasks fail by chance, each for itself, Fisher's test tells how rarely so many more do. Where one cause fails many
at once, it tells too much: so a share that a stored run had as well proves nothing.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Self

from pytest_celery_perf.measure.evidence import BETA
from pytest_celery_perf.measure.lives import Fate, Life
from pytest_celery_perf.model.baseline import StoredFigure
from pytest_celery_perf.model.verdict import Status

TASKS, SUCCEEDED = "tasks", "succeeded"
"""By these names it is stored how many tasks ended, and how many of them by returning."""
ENOUGH = 5
"""Fewer runs tell too little of how much they differ."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Successes:
    """How many tasks of one name a run had."""

    tasks: int
    """All that will not go on: those that failed, were ignored, rejected or revoked, or are lost, too."""
    succeeded: int

    @classmethod
    def of(cls, lives: Iterable[Life]) -> Self:
        """Count them."""
        ended = [life for life in lives if life.fate is not Fate.UNFINISHED]
        return cls(tasks=len(ended), succeeded=sum(life.fate is Fate.SUCCEEDED for life in ended))

    @property
    def unsuccessful(self) -> int:
        """How many came to nothing."""
        return max(0, self.tasks - self.succeeded)

    @property
    def share(self) -> float:
        """Of all, those that came to nothing."""
        return self.unsuccessful / self.tasks if self.tasks else 0.0

    def __add__(self, other: Successes) -> Successes:
        return Successes(tasks=self.tasks + other.tasks, succeeded=self.succeeded + other.succeeded)


def successes_of(figures: Iterable[StoredFigure]) -> dict[tuple[str, str], Successes]:
    """Return what the figures of one run tell of each task, by test and task."""
    values = {(each.test, each.task, each.metric): each.value for each in figures}
    return {
        (test, task): Successes(tasks=round(value), succeeded=round(values[test, task, SUCCEEDED]))
        for (test, task, metric), value in values.items()
        if metric == TASKS and (test, task, SUCCEEDED) in values
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class Failing:
    """How many tasks came to nothing, against stored runs."""

    status: Status
    """FAIL: surely more; INCONCLUSIVE: maybe more."""
    now: Successes
    runs: int
    """How many stored runs have the task."""
    usual: float = 0.0
    """Which share of their tasks came to nothing."""
    most: float = 0.0
    """The same, of the run in which it was the largest."""

    @property
    def more(self) -> bool:
        """Whether it is more than in the stored runs, be it by chance."""
        return self.status is not Status.PASS

    @classmethod
    def of(cls, now: Successes, stored: Sequence[Successes], alpha: float) -> Self:
        """Compare a run with stored ones.

        Args:
            now: The run.
            stored: The others; without any, nothing is more.
            alpha: How often at most it may FAIL by chance.
        """
        if not stored:
            return cls(status=Status.PASS, now=now, runs=0)
        every = sum(stored, Successes(tasks=0, succeeded=0))
        most = max(each.share for each in stored)
        chance = _chance(now, every)
        status = Status.PASS
        if now.share > most and len(stored) >= ENOUGH and chance <= alpha:
            status = Status.FAIL
        elif now.share > most or chance <= BETA:
            status = Status.INCONCLUSIVE
        return cls(status=status, now=now, runs=len(stored), usual=every.share, most=most)


def _chance(now: Successes, stored: Successes) -> float:
    """Return how often so many tasks of a run come to nothing, or more, if it is like the stored ones.

    Source:
        The exact test of R. A. Fisher, one-sided: the hypergeometric distribution.
    """
    tasks, failing = now.tasks + stored.tasks, now.unsuccessful + stored.unsuccessful
    every = _log_ways(tasks, now.tasks)
    return math.fsum(
        math.exp(_log_ways(failing, number) + _log_ways(tasks - failing, now.tasks - number) - every)
        for number in range(now.unsuccessful, min(failing, now.tasks) + 1)
    )


def _log_ways(things: int, chosen: int) -> float:
    """Return the logarithm of the ways to choose some of many, which are too many for a float."""
    return math.lgamma(things + 1) - math.lgamma(chosen + 1) - math.lgamma(things - chosen + 1)
