"""How the tasks of one name end in two arms: whether the head's do their work, as often, and can be compared."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from pytest_celery_perf.gate.bout import raised_in
from pytest_celery_perf.gate.pairing import Pair
from pytest_celery_perf.gate.tally import Tally
from pytest_celery_perf.judge.phrases import join
from pytest_celery_perf.measure.taken import (
    FAILURES,
    UNSUCCESSFUL,
    ends_of,
    executions_per_task,
    unsuccessful_share,
)
from pytest_celery_perf.model.gate import Comparison, GateCount, Standing, TaskSample
from pytest_celery_perf.model.record import Outcome

PATIENCE = 5
"""After so many epochs no end in common is to be expected any more."""
NOT_ASKED = "that is not asked any more, since the head is surely worse already"
COMPARISONS = 2
"""That are made of each task, whatever else it is compared by."""


@dataclass(slots=True)
class _Side:
    """What is known of one arm."""

    ends: frozenset[str] = frozenset()
    raised: str = ""
    """What the first of its tasks raised that ended so; empty if none did."""

    def take(self, samples: Sequence[TaskSample]) -> None:
        self.ends |= ends_of(samples)
        self.raised = self.raised or raised_in(samples)

    @property
    def fails(self) -> bool:
        """Whether all that is known of it are failures."""
        return bool(self.ends) and self.ends <= FAILURES


class Ends:
    """What is known of the tasks of one name.

    Args:
        pair: The test that runs them.
        task: Their name.
        base: What a first run found of them in the base.
        head: What it found in the head.
    """

    def __init__(self, pair: Pair, task: str, base: Sequence[TaskSample], head: Sequence[TaskSample]) -> None:
        self._pair = pair
        self._task = task
        self.epochs = 0
        self._base, self._head = _Side(), _Side()
        self._base.take(base)
        self._head.take(head)
        self._unsuccessful, self._executions = (
            Tally(pair.comparison(task=task), count) for count in (GateCount.UNSUCCESSFUL, GateCount.EXECUTIONS)
        )

    def add(self, base: Sequence[TaskSample], head: Sequence[TaskSample], threshold: float) -> None:
        """Take an epoch into account.

        Args:
            base: What its runs found in the base.
            head: In the head.
            threshold: The evidence that a FAIL takes.
        """
        self.epochs += 1
        self._base.take(base)
        self._head.take(head)
        self._unsuccessful.add(unsuccessful_share(base), unsuccessful_share(head), threshold)
        self._executions.add(executions_per_task(base), executions_per_task(head), threshold)

    @property
    def worse(self) -> bool:
        """Whether fewer of them were proved to succeed in the head: whatever else they take, nobody will ask."""
        return self._unsuccessful.worse

    @property
    def doubtful(self) -> bool:
        """Whether fewer may succeed in the head, or take more executions, which further epochs tell."""
        return self._unsuccessful.doubtful or (self._executions.doubtful and not self.worse)

    @property
    def alike(self) -> bool:
        """Whether some of both arms ended alike, so that what they took can be compared."""
        return bool(self._base.ends & self._head.ends)

    @property
    def hopeless(self) -> bool:
        """Whether it is no use to wait for some that do."""
        return not self.alike and self.epochs >= PATIENCE

    def counted(self, why: str) -> Iterator[Comparison]:
        """Tell of what the head has more of, or may have.

        Args:
            why: Why it was not asked any more; empty if it was, to the end.
        """
        raised = f"it raises {self._head.raised}" if self._head.raised else ""
        other = sorted((self._head.ends & UNSUCCESSFUL) - self._base.ends - {Outcome.FAILED})
        ended = f"it ends {join(other)}" if other else ""
        yield from self._unsuccessful.told("" if self.worse else why, raised, ended)
        yield from self._executions.told("" if self._executions.worse else NOT_ASKED if self.worse else why)

    def broken(self) -> Comparison:
        """Say why nothing that they took can be compared."""
        if self._base.fails == self._head.fails:
            ends = [join(sorted(side.ends) or ["without an end"]) for side in (self._base, self._head)]
            reason = f"it ends otherwise: {ends[0]} in the base, {ends[1]} in the head"
        else:
            where, other, side = ("base", "head", self._base) if self._base.fails else ("head", "base", self._head)
            reason = f"it fails in the {where}, and not in the {other}" + (f": {side.raised}" if side.raised else "")
        return self._pair.comparison(Standing.BROKEN, self._task, reason)
