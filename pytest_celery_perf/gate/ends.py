"""How the tasks of one name end in two arms: whether more fail in the head, and whether they can be compared."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from pytest_celery_perf.gate.pairing import Pair
from pytest_celery_perf.judge.attempts import short_name
from pytest_celery_perf.judge.phrases import join
from pytest_celery_perf.measure.evidence import decide_failures
from pytest_celery_perf.measure.taken import FAILURES, ends_of, failed_share
from pytest_celery_perf.model.gate import FAILED, Comparison, Series, Standing, TaskSample
from pytest_celery_perf.model.record import TaskError
from pytest_celery_perf.model.verdict import Status

PATIENCE = 5
"""After so many epochs no end in common is to be expected any more."""


@dataclass(slots=True)
class _Side:
    """What is known of one arm."""

    ends: frozenset[str] = frozenset()
    error: TaskError | None = None
    """The first that ended a task of it."""

    def take(self, samples: Sequence[TaskSample]) -> None:
        self.ends |= ends_of(samples)
        self.error = self.error or next((each.error for each in samples if each.tasks and each.error), None)

    @property
    def raised(self) -> str:
        """What a task of it raised; empty if none did."""
        return "" if self.error is None else f"{short_name(self.error.type)}: {self.error.message}"

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
        self._epochs = 0
        self._base, self._head = _Side(), _Side()
        self._base.take(base)
        self._head.take(head)
        self._failures = replace(pair.comparison(task=task), metric=FAILED, series=Series())

    def add(self, base: Sequence[TaskSample], head: Sequence[TaskSample], threshold: float) -> None:
        """Take an epoch into account.

        Args:
            base: What its runs found in the base.
            head: In the head.
            threshold: The evidence that a FAIL takes.
        """
        self._epochs += 1
        self._base.take(base)
        self._head.take(head)
        of_base, of_head = failed_share(base), failed_share(head)
        if self.worse or not (base and head):
            return
        before = self._failures.series or Series()
        series = Series(base=(*before.base, of_base), head=(*before.head, of_head))
        decision = decide_failures(series, threshold)
        self._failures = replace(self._failures, series=series, decision=decision, threshold=threshold)

    @property
    def worse(self) -> bool:
        """Whether more of them were proved to fail in the head: whatever else they take, nobody will ask."""
        return self._status is Status.FAIL

    @property
    def doubtful(self) -> bool:
        """Whether more of them may fail in the head, which further epochs tell."""
        return self._status is Status.INCONCLUSIVE

    @property
    def alike(self) -> bool:
        """Whether some of both arms ended alike, so that what they took can be compared."""
        return bool(self._base.ends & self._head.ends)

    @property
    def hopeless(self) -> bool:
        """Whether it is no use to wait for some that do."""
        return not self.alike and self._epochs >= PATIENCE

    @property
    def _status(self) -> Status | None:
        return None if self._failures.decision is None else self._failures.decision.status

    def failures(self, reason: str = "") -> tuple[Comparison, ...]:
        """Tell of failures in the head that the base does not have; of none, if there are none.

        Args:
            reason: Why nothing was decided, if so.
        """
        if not (self.worse or self.doubtful):
            return ()
        raised = f"it raises {self._head.raised}" if self._head.raised else ""
        return (replace(self._failures, reason="; ".join(filter(None, (reason, raised)))),)

    def broken(self) -> Comparison:
        """Say why nothing that they took can be compared."""
        if self._base.fails == self._head.fails:
            ends = [join(sorted(side.ends) or ["without an end"]) for side in (self._base, self._head)]
            reason = f"it ends otherwise: {ends[0]} in the base, {ends[1]} in the head"
        else:
            where, other, side = ("base", "head", self._base) if self._base.fails else ("head", "base", self._head)
            reason = f"it fails in the {where}, and not in the {other}" + (f": {side.raised}" if side.raised else "")
        return self._pair.comparison(Standing.BROKEN, self._task, reason)
