"""What a test orders to go wrong: it must, or the test would pass for the wrong reason."""

from __future__ import annotations

from dataclasses import dataclass

from pytest_celery_perf.model.faults import FAULT_KINDS
from pytest_celery_perf.model.spec import Budget


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderBudget(Budget):
    """An order that messages carry to the workers."""

    played = True
    times: int = 1
    """In how many executions it must have struck."""

    @property
    def recorded(self) -> tuple[str, str]:
        """Kind and point of the `Fault` that tells that it struck."""
        raise NotImplementedError

    def coincides(self, other: OrderBudget) -> bool:
        """Tell whether both may strike one task, and are recorded alike."""
        return self.recorded == other.recorded and (self.task == other.task or None in (self.task, other.task))


@dataclass(frozen=True, slots=True, kw_only=True)
class FaultBudget(OrderBudget):
    """``celery_fault``, or a method of the fixture ``celery_faults``."""

    ordered_by: str = "celery_fault"
    """Which of them, as a test spells it."""
    kind: str
    """One of `model.faults.FAULT_KINDS`."""
    at: str = "started"
    """``received``, ``started``, ``query:N`` or ``finished``."""
    lasting_s: float = 1.0
    """Of a fault that lasts: for how long."""
    keep_data: bool = True
    """``kill_broker``: whether it comes back with its data."""

    @property
    def recorded(self) -> tuple[str, str]:  # type: ignore[explicit-override]  # from Python 3.12 on
        """See `OrderBudget`: a time limit strikes at no point of the task's own."""
        record = FAULT_KINDS[self.kind].record
        return record, record if record == "time-limit" else self.at


@dataclass(frozen=True, slots=True, kw_only=True)
class FailBudget(OrderBudget):
    """``celery_perf.fail``."""

    @property
    def recorded(self) -> tuple[str, str]:  # type: ignore[explicit-override]  # from Python 3.12 on
        """See `OrderBudget`."""
        return "raise", "body"
