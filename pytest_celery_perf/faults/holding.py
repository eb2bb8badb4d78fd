"""Executions that wait at a point of theirs until the test lets them go on."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

from pytest_celery_perf.errors import UnfinishedTasksError
from pytest_celery_perf.faults.cast import why_nobody
from pytest_celery_perf.faults.lasting import Lasting
from pytest_celery_perf.model.arguments import natural, task_point
from pytest_celery_perf.model.units import format_duration_s
from pytest_celery_perf.probe.orders import FaultOrder

if TYPE_CHECKING:
    from pytest_celery_perf.model.record import Execution
    from pytest_celery_perf.runner.trial import Trial

_numbers = itertools.count(1)


class Held(Lasting):
    """Holds the executions that come to a point.

    Args:
        trial: The test's tasks.
        task: Name of the task; None for any.
        at: The point.
        times: How many executions are held.
        timeout_s: How long `wait` waits.

    Raises:
        ConfigurationError: An argument is wrong.
    """

    def __init__(self, trial: Trial, task: str | None, at: str, times: int, timeout_s: float) -> None:
        key = f"hold{next(_numbers)}"
        super().__init__(lambda: trial.release(key))
        self._trial = trial
        self._task = task
        self._at = task_point(at, "celery_faults.hold: at")
        self._timeout_s = timeout_s
        self._seen = len(trial.book.faults)
        """What was noted before cannot be about this."""
        times = natural(times, "celery_faults.hold: times", 1)
        trial.order(FaultOrder(key=key, task=task, do="hold", at=at, times=times))

    def wait(self, nth: int = 1) -> Execution:
        """Wait until executions are held.

        Args:
            nth: Which of them to return, the first being 1.

        Raises:
            UnfinishedTasksError: They did not come in time.
        """
        __tracebackhide__ = True
        held = self._trial.until(lambda: self._find(nth), self._timeout_s)
        if held is None:
            raise UnfinishedTasksError(
                f"celery_faults.hold: {self._task or 'no task'} did not come to {self._at!r} {nth}× "
                f"within {format_duration_s(self._timeout_s)}{why_nobody(self._trial, self._task)}"
            )
        return held

    def _find(self, nth: int) -> Execution | None:
        executions = self._trial.records().executions
        found = [
            execution
            for fault in self._trial.book.faults[self._seen :]
            if fault.kind == "hold" and fault.point == self._at
            for execution in executions
            if (execution.task_id, execution.boot) == (fault.task_id, fault.boot)
            and (self._at == "received" or execution.pid == fault.pid)
            and self._task in (None, execution.name)
            and execution.ended_ns is None
        ]
        return found[nth - 1] if len(found) >= nth else None
