"""What is counted of a test or task in two arms, and whether there is more of it in the head."""

from __future__ import annotations

import math
from dataclasses import replace

from pytest_celery_perf.measure.evidence import decide_count
from pytest_celery_perf.model.gate import Comparison, GateCount, Series
from pytest_celery_perf.model.verdict import Status


class Tally:
    """A `GateCount`, epoch by epoch.

    Args:
        comparison: Of the test or task, without any figure.
        count: What is counted.
    """

    def __init__(self, comparison: Comparison, count: GateCount) -> None:
        self._known = replace(comparison, metric=count, series=Series())

    def add(self, base: float, head: float, threshold: float) -> None:
        """Take an epoch into account, if anything was counted in both arms.

        Args:
            base: What was counted in the base.
            head: In the head.
            threshold: The evidence that a FAIL takes.
        """
        if self.worse or math.isnan(base + head):
            return
        series = (self._known.series or Series()).and_epoch(base, head)
        decision = decide_count(series, self._known.metric, threshold)
        self._known = replace(self._known, series=series, decision=decision, threshold=threshold)

    @property
    def worse(self) -> bool:
        """Whether more of it was proved to be in the head."""
        return self._status is Status.FAIL

    @property
    def doubtful(self) -> bool:
        """Whether there may be more of it in the head, which further epochs tell."""
        return self._status is Status.INCONCLUSIVE

    @property
    def _status(self) -> Status | None:
        return None if self._known.decision is None else self._known.decision.status

    def told(self, *reasons: str) -> tuple[Comparison, ...]:
        """Tell of more in the head, or that it may be so; of nothing, if it is not.

        Args:
            reasons: Why it is so, or undecided; empty ones are left out.
        """
        if not (self.worse or self.doubtful):
            return ()
        return (replace(self._known, reason="; ".join(filter(None, reasons))),)
