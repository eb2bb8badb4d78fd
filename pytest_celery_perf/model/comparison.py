"""What two report files have in common, test by test."""

from __future__ import annotations

from dataclasses import dataclass

from pytest_celery_perf.model.gate import Standing
from pytest_celery_perf.model.verdict import Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One figure of one task, before and after; None where a report does not have it."""

    task: str
    metric: str
    """What is counted, or a name of `GateMetric`."""
    end: str = ""
    """How the executions ended that took so much; empty for those that succeeded, and for what is counted."""
    before: float | None
    after: float | None
    exact: bool
    """Whether it is counted; a time or a size of another run proves nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TestPair:
    """One test in both reports, or in one of them."""

    __test__ = False  # pytest must not collect it

    test: str
    standing: Standing
    before: str = ""
    """Of a renamed test: its former name."""
    reason: str = ""
    """Why it was not compared."""
    fails: bool = False
    """Whether it passed before, and does not now."""
    better: bool = False
    """Whether it does less of something, and more of nothing."""
    rows: tuple[Row, ...] = ()
    verdicts: tuple[Verdict, ...] = ()

    @property
    def compared(self) -> bool:
        """Whether it tells anything of the second report by the first."""
        return bool(self.verdicts or self.rows or self.fails)

    @property
    def worse(self) -> bool:
        """Whether it was proved to do, or to take, more, or fails now."""
        return self.fails or any(verdict.failed for verdict in self.verdicts)
