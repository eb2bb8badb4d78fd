"""The moments of a task at which a fault can be set: its records tell when one has come."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from pytest_celery_perf.model.arguments import natural, one_of
from pytest_celery_perf.model.history import History
from pytest_celery_perf.model.record import Execution

MOMENTS: Mapping[str, Callable[[Execution], int | None]] = MappingProxyType(
    {
        "received": lambda execution: execution.received_ns,
        "started": lambda execution: execution.started_ns,
        "ended": lambda execution: execution.ended_ns,
        "acknowledged": lambda execution: execution.acknowledged_ns,
        "requeued": lambda execution: execution.requeued_ns,
    }
)
"""What an execution comes to, and when; the time is None before that."""


class Moment:
    """The n-th time that an execution of a task comes to a point.

    Args:
        event: One of `MOMENTS`.
        task: The task's name; None for any.
        nth: The first is 1.

    Raises:
        ConfigurationError: There is no such event, or `nth` is no number from 1.
    """

    def __init__(self, event: str, task: str | None = None, nth: int = 1) -> None:
        self._event = one_of(event, "celery_faults.when: event", *MOMENTS)
        self._task = task
        self._nth = natural(nth, "celery_faults.when: nth", 1)

    def find(self, history: History, accepted: Callable[[Execution], bool]) -> Execution | None:
        """Return the execution that has come there; None if it has not yet.

        A start counts once it is `settled`.

        Args:
            history: Of the test.
            accepted: Tells whether the main process of a worker knows that an execution has begun.
        """
        time_of = MOMENTS[self._event]
        come = [
            (at_ns, execution)
            for execution in history.executions
            if self._task in (None, execution.name) and (at_ns := time_of(execution)) is not None
        ]
        if len(come) < self._nth:
            return None
        found = sorted(come, key=lambda each: each[0])[self._nth - 1][1]
        if self._event == "started" and not settled(found, history, accepted):
            return None
        return found

    @property
    def name(self) -> str:
        """For people: ``shop.charge 2× started``."""
        times = f"{self._nth}× " if self._nth > 1 else ""
        return f"{self._task or 'a task'} {times}{self._event}"


def settled(execution: Execution, history: History, accepted: Callable[[Execution], bool]) -> bool:
    """Tell whether a worker is done with what follows at once from the start of an execution.

    Its main process knows of it, and has acknowledged the message if that is done early: whoever hurts the worker in
    between would see one run in a hundred go another way.

    Args:
        execution: One that has begun.
        history: Of the test.
        accepted: Tells whether the main process knows that an execution has begun.

    Source:
        ``celery.worker.request.Request.on_accepted``, whose acknowledgment the event loop carries out later. The solo
        pool's main process runs the task itself, and acknowledges it after the body.
    """
    if execution.pool == "solo":
        return True
    early = execution.name in history.tasks and not history.tasks[execution.name].acks_late
    acknowledged = execution.acknowledged_ns is not None or execution.ended_ns is not None
    return accepted(execution) and (acknowledged or not early)
