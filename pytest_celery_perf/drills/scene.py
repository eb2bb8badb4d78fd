"""Where a drill is played: the workers and tasks of one test, and what can be awaited of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from pytest_celery_perf.broker import inspect
from pytest_celery_perf.faults.moments import settled

if TYPE_CHECKING:
    from pytest_celery_perf.faults import CeleryFaults
    from pytest_celery_perf.faults.holding import Held
    from pytest_celery_perf.model.history import History
    from pytest_celery_perf.model.record import Execution
    from pytest_celery_perf.model.spec import DrillBudget
    from pytest_celery_perf.runner.pool import Member
    from pytest_celery_perf.runner.trial import Trial

HELD = 64
"""How many executions are held when they begin: all that the slots of a test's workers take, and more."""


class Scene:
    """The test in which a drill is played.

    All waiting is for what the records tell, and ends after the test's timeout: why tasks do not come that far is told
    by the diagnosis of those that do not finish.

    Args:
        budget: What its marker says.
        trial: Its tasks and workers.
        faults: What it can have go wrong.
        timeout_s: How long anything is waited for.
    """

    def __init__(self, budget: DrillBudget, trial: Trial, faults: CeleryFaults, timeout_s: float) -> None:
        self.budget = budget
        self.trial = trial
        self.faults = faults
        self._timeout_s = timeout_s
        self._held: Held | None = None

    def hold(self) -> None:
        """Have tasks that are published from now on wait when they begin, for what is to come to find them running."""
        self._held = self.faults.hold(self.budget.task, times=HELD)

    def let_go(self) -> None:
        """Let the tasks go on that wait."""
        if self._held is not None:
            self._held.heal()

    def until(self, met: Callable[[], object], timeout_s: float | None = None) -> bool:
        """Wait until something is so, and see after faults and workers meanwhile.

        Args:
            met: Whether it is.
            timeout_s: For how long; None for as long as the test may wait.

        Returns:
            Whether it came to be so.
        """
        found = self.trial.until(lambda: True if met() else None, self._timeout_s if timeout_s is None else timeout_s)
        return found is not None

    def last(self, seconds: float) -> None:
        """Let an emergency last."""
        self.until(lambda: False, seconds)

    @property
    def records(self) -> History:
        """What was recorded by now."""
        return self.trial.records()

    def executions(self) -> list[Execution]:
        """Return the executions that the drill is about."""
        return [each for each in self.records.executions if self.budget.task in (None, each.name)]

    def await_start(self) -> bool:
        """Wait until one of the tasks runs.

        Returns:
            Whether one does; if not, all have ended, or none could begin.
        """
        self.until(lambda: self.running() or not self.trial.book.open)
        return bool(self.running())

    def running(self, boot: str | None = None) -> list[Execution]:
        """Return what runs now, and whose start is `settled`.

        Args:
            boot: The worker; None for any.
        """
        records = self.records
        return [
            each
            for each in records.executions
            if each.crashed
            and each.outcome is None
            and boot in (None, each.boot)
            and self.budget.task in (None, each.name)
            and settled(each, records, self.trial.book.accepted)
        ]

    def expected(self, member: Member) -> bool:
        """Tell whether a worker has still to begin something: a message waits in its memory, or in a queue of its."""
        begun = {each.task_id: each for each in self.records.executions}
        queues = self.trial.workers[member.boot].queues
        return any(
            record.queue in queues
            if task_id not in begun
            else begun[task_id].boot == member.boot and not begun[task_id].started
            for (task_id, _), record in self.trial.book.publishing.items()
            if task_id in self.trial.book.open
        )

    def deliver_again(self, execution: Execution) -> None:
        """Have the broker deliver a message again that a worker holds, as when the visibility timeout has passed."""
        if execution.tag is not None and inspect.restore(self.trial.app, [execution.tag]):
            self.trial.book.note(
                "restored", boot=execution.boot, task_id=execution.task_id, detail="the visibility timeout has passed"
            )
