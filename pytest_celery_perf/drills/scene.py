"""Where a drill is played: the workers and tasks of one test, and what can be awaited of them."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
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
BEGINS_S = 2.0
"""Within this, what a worker has room for has begun, unless a rate limit keeps it back."""
LIES_S = 0.1
"""A message that is where it was so long ago waits there: from its queue into a worker it takes a millisecond."""


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
            Whether one does, in a worker that has come to rest; if not, all have ended, or none could begin.
        """
        self.until(lambda: self.running() or not any(map(self._works, self.trial.pool.members)))
        if self.running():
            self.await_rest(self.trial.pool.members)
        return bool(self.running())

    def _works(self, member: Member) -> bool:
        """Tell whether a worker runs anything, or is going to."""
        # In this order: what begins in between is no longer expected, and runs.
        return self.expected(member) or bool(_begun(self.records, member.boot))

    def await_rest(self, members: Iterable[Member]) -> None:
        """Wait until workers have begun all for which they have room, and know it, and no message is on its way.

        Else chance would decide what becomes of a message: a worker that is told to stop before it knows what a child
        has begun waits 30 s, forgets the child's result, and has the task run again; what it is just taking from
        the broker when that dies is lost.

        Args:
            members: The workers.

        Source:
            ``AsynPool.flush`` in celery/concurrency/asynpool.py drops from the cache what is not accepted, so that
            nobody reads its result, for which ``_ensure_messages_consumed`` in billiard/pool.py waits in the child;
            ``Channel._brpop_read`` and ``QoS.append`` in kombu/transport/redis.py.
        """
        self.until(lambda: not any(map(self._takes_more, members)), BEGINS_S)
        self.until(lambda: all(map(self._knows, members)))
        deadline_s = time.monotonic() + BEGINS_S
        before: set[str] | None = None
        while (waiting := self._waiting()) is None or (waiting and waiting != before):
            if time.monotonic() > deadline_s:
                return
            before = waiting
            self.last(LIES_S)

    def _takes_more(self, member: Member) -> bool:
        """Tell whether a worker is about to begin something."""
        slots = self.trial.workers[member.boot].concurrency
        full = slots is not None and len(_begun(self.records, member.boot)) >= slots
        return member.worker.alive and not full and self.expected(member)

    def _knows(self, member: Member) -> bool:
        """Tell whether a worker's main process knows of all that its children have begun."""
        records, accepted = self.records, self.trial.book.accepted
        return not member.worker.alive or all(settled(each, records, accepted) for each in _begun(records, member.boot))

    def _waiting(self) -> set[str] | None:
        """Return the tasks whose messages wait in queues; None if one has left its queue, and no worker has it yet."""
        book = self.trial.book
        living = {member.boot for member in self.trial.pool.members if member.worker.alive}
        sent = {task_id for task_id in book.open if (task_id, book.last_attempt[task_id]) in book.confirmed}
        held = {task_id for task_id in sent if (last := book.latest(task_id)) and last.boot in living}
        if sent == held:
            return set()
        queues = {record.queue for record in book.publishing.values() if record.queue}
        found = inspect.contents(self.trial.app, sorted(queues)).queues
        waiting = {task_id for _, ids in found for task_id in ids}
        return sent & waiting if sent <= held | waiting else None

    def running(self, boot: str | None = None) -> list[Execution]:
        """Return what runs now, and whose start is `settled`.

        Args:
            boot: The worker; None for any.
        """
        records = self.records
        return [
            each
            for each in _begun(records, boot)
            if self.budget.task in (None, each.name) and settled(each, records, self.trial.book.accepted)
        ]

    def expected(self, member: Member) -> bool:
        """Tell whether a worker has still to begin something: a message waits in its memory, or in a queue of its.

        What has an ETA after the test's time never comes.
        """
        begun = {each.task_id: each for each in self.records.executions}
        queues = self.trial.workers[member.boot].queues
        return any(
            record.queue in queues
            if task_id not in begun
            else begun[task_id].boot == member.boot and not begun[task_id].started
            for (task_id, _), record in self.trial.book.publishing.items()
            if task_id in self.trial.book.open and (record.waited_s or 0.0) < self._timeout_s
        )

    def deliver_again(self, execution: Execution) -> None:
        """Have the broker deliver a message again that a worker holds, as when the visibility timeout has passed."""
        if execution.tag is not None and inspect.restore(self.trial.app, [execution.tag]):
            self.trial.book.note(
                "restored", boot=execution.boot, task_id=execution.task_id, detail="the visibility timeout has passed"
            )


def _begun(records: History, boot: str | None) -> list[Execution]:
    """Return what runs in a worker, or in any, by its child's word."""
    runs = (each for each in records.executions if boot in (None, each.boot))
    return [each for each in runs if each.crashed and each.outcome is None]
