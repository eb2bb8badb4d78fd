"""How fast tasks were worked off, and how many of them did not go as they should."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Self

from pytest_celery_perf.measure.lives import FAILING, Deaths, Fate, Life
from pytest_celery_perf.measure.outcomes import TaskClass, classify
from pytest_celery_perf.measure.phases import Clocks, end_to_end_ns
from pytest_celery_perf.measure.steps import Steps, rate_per_s
from pytest_celery_perf.model.history import History
from pytest_celery_perf.model.record import Outcome
from pytest_celery_perf.model.units import NS_PER_S

OPEN = (Fate.LOST, Fate.UNFINISHED)
"""The fates of tasks that have come to no end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How some tasks came, and how they were worked off."""

    sent_ns: tuple[int, ...]
    """When each was published the first time (in an open loop: was meant to be), ascending."""
    ended_ns: tuple[int, ...]
    """When each of those came to its end that did, ascending."""
    succeeded: int
    """How many of them succeeded."""
    active: Steps
    """How many were run at a time."""

    @classmethod
    def of(cls, lives: Iterable[Life], history: History) -> Self | None:
        """Measure some of a history's tasks.

        Args:
            lives: Which.
            history: Tells which clocks agree, and who died.

        Returns:
            None if their times are of clocks that cannot be compared, or nobody has seen them being published.
        """
        seen = [life for life in lives if life.publications]
        ends = [life.concluding for life in seen if life.concluding is not None]
        runs = [execution for life in seen for execution in life.started]
        boots = (*(life.publications[0].boot for life in seen), *(each.boot for each in runs))
        if not seen or not Clocks(history).agree(*boots):
            return None
        deaths = Deaths.of(history)
        return cls(
            sent_ns=tuple(sorted(life.publications[0].due_ns for life in seen)),
            ended_ns=tuple(sorted(each.ended_ns for each in ends if each.ended_ns is not None)),
            succeeded=sum(life.fate is Fate.SUCCEEDED for life in seen),
            active=Steps.of((each.started_ns or 0, each.ended_ns or deaths.died_ns(each)) for each in runs),
        )

    @property
    def throughput_per_s(self) -> float | None:
        """How many ended in a second, from the first publication to the last end; None if none did."""
        return self._per_s(len(self.ended_ns))

    @property
    def succeeded_per_s(self) -> float | None:
        """How many succeeded in a second, over the same time; None if none has ended."""
        return self._per_s(self.succeeded)

    def _per_s(self, count: int) -> float | None:
        span_ns = self.ended_ns[-1] - self.sent_ns[0] if self.ended_ns else 0
        return count * NS_PER_S / span_ns if span_ns > 0 else None

    @property
    def drain_s(self) -> float | None:
        """For how long they were still worked on once the last one was published; None if none has ended."""
        return max(0, self.ended_ns[-1] - self.sent_ns[-1]) / NS_PER_S if self.ended_ns else None

    @property
    def arrivals_per_s(self) -> float | None:
        """How fast they were published, from the first to the last; None for fewer than two."""
        return rate_per_s(self.sent_ns)


def share_within(lives: Sequence[Life], within_s: float, clocks: Clocks) -> float | None:
    """Return the share of tasks that succeeded soon enough after they were published the first time.

    Args:
        lives: All of them: what failed, was lost or has not ended counts as too late.
        within_s: How soon, in seconds.
        clocks: Of the history that they come from.

    Returns:
        From 0 to 1; None if there are no tasks, or one has succeeded and nobody knows how soon.
    """
    succeeded = [end_to_end_ns(life, clocks) for life in lives if life.fate is Fate.SUCCEEDED]
    took_ns = [each for each in succeeded if each is not None]
    if not lives or len(took_ns) < len(succeeded):
        return None
    return sum(each <= within_s * NS_PER_S for each in took_ns) / len(lives)


def failure_rate(lives: Sequence[Life]) -> float | None:
    """Return the share of tasks that failed, or were rejected, revoked or expired, among those that have ended.

    Returns:
        From 0 to 1; None if none has ended.
    """
    ended = sum(life.fate not in OPEN for life in lives)
    return sum(life.fate in FAILING for life in lives) / ended if ended else None


def retry_rate(lives: Sequence[Life]) -> float | None:
    """Return the share of executions that asked for another attempt; None if none has ended."""
    outcomes = [each.outcome for life in lives for each in life.started if each.outcome is not None]
    return outcomes.count(Outcome.RETRIED) / len(outcomes) if outcomes else None


def duplicate_rate(history: History) -> float | None:
    """Return the share of tasks that ran in two places at once, or to their end more than once; None without tasks."""
    classes = [each.task_class for each in classify(history)]
    twice = sum(each in (TaskClass.OVERLAPPING, TaskClass.DUPLICATED) for each in classes)
    return twice / len(classes) if classes else None
