"""How long each phase of an execution, and of a task, took.

Terms as in Celery's own monitors, all in nanoseconds:

* *time in queue*, ``queue``: the message could be taken → a process started to run it.
  Source: celery-exporter's ``celery_task_queue_wait_time``, which leaves out the ETA too.
* *prefetch time*, ``prefetch``: the worker could run it → started. The part of the time in
  queue that it lay in a worker's memory. Source: Flower's ``flower_task_prefetch_time_seconds``.
* *runtime*: the task's body, start to end. Celery's own ``runtime`` includes storing the
  result; this one does not.
* *end to end*: published the first time → the end of the execution that concluded the task.

A message with a countdown or an ETA *could be taken*, and run, only when that had passed.
"""

from __future__ import annotations

from dataclasses import dataclass

from pytest_celery_perf.measure.lives import Life
from pytest_celery_perf.model.history import History
from pytest_celery_perf.model.record import Execution, Publication
from pytest_celery_perf.model.units import NS_PER_S


@dataclass(frozen=True, slots=True, kw_only=True)
class Phases:
    """The phases of one execution, in nanoseconds; None where a time is missing or cannot be compared."""

    queue_ns: int | None
    """Published (and no longer delayed) → started. None for a redelivery: it measures a fault, not the queue."""
    prefetch_ns: int | None
    """Received (and no longer delayed) → started."""
    runtime_ns: int | None
    """Start of the body → its end."""
    lag_ns: int | None
    """Meant to be published → published: the part of the time in queue in which it was not there yet."""
    around_ns: int | None
    """Started → ended, less the runtime: handlers of signals, connecting, storing the result."""
    unacknowledged_ns: int | None
    """Received → acknowledged: how long the broker would have had to redeliver it."""


class Clocks:
    """Tells which times can be subtracted from each other.

    All processes of a machine share one monotonic clock; a worker elsewhere has its own.
    A worker of which nothing is known was started by this test run, on this machine.
    """

    def __init__(self, history: History) -> None:
        self._foreign = frozenset(worker.boot for worker in history.workers if not worker.comparable_clock)

    def agree(self, *boots: str | None) -> bool:
        """Tell whether times of these workers (None: the test process) are of one clock."""
        return len(set(boots)) == 1 or self._foreign.isdisjoint(boots)


def phases_of(execution: Execution, publication: Publication | None, clocks: Clocks) -> Phases:
    """Measure one execution.

    Args:
        execution: The execution.
        publication: The message that it was a delivery of; None if its publishing was not seen.
        clocks: Of the history that both come from.
    """
    due_ns = ready_ns(publication) if publication and clocks.agree(publication.boot, execution.boot) else None
    redelivery = execution.redelivered or execution.delivery > 1
    delayed = publication is not None and _waited_ns(publication) > 0
    held_from_ns = execution.received_ns
    if delayed:
        held_from_ns = None if due_ns is None or held_from_ns is None else max(held_from_ns, due_ns)
    runtime_ns = _between(execution.body_started_ns, execution.body_ended_ns)
    whole_ns = _between(execution.started_ns, execution.ended_ns)
    return Phases(
        queue_ns=None if redelivery else _between(due_ns, execution.started_ns),
        prefetch_ns=_between(held_from_ns, execution.started_ns),
        runtime_ns=runtime_ns,
        lag_ns=None if redelivery or publication is None else _between(publication.due_ns, publication.published_ns),
        around_ns=None if runtime_ns is None or whole_ns is None else max(0, whole_ns - runtime_ns),
        unacknowledged_ns=_between(execution.received_ns, execution.acknowledged_ns),
    )


def ready_ns(publication: Publication) -> int:
    """Return the time from which a message could be run: its publication, or the end of its delay.

    In an open loop it counts from when it was meant to be published: a publisher that is held up by what it
    measures, and so sends later, would hide just that (coordinated omission).
    """
    return publication.due_ns + _waited_ns(publication)


def end_to_end_ns(life: Life, clocks: Clocks) -> int | None:
    """Measure a task from its first publication to the end of the execution that concluded it.

    In an open loop it begins when it was meant to be published. Countdowns, retries, redeliveries and their waits are
    part of it: as they were waited for, where the plugin compressed them. None if the task has no end or was not seen
    to be published.
    """
    if life.concluding is None or not life.publications:
        return None
    first = life.publications[0]
    if first.retries != 0 or not clocks.agree(first.boot, life.concluding.boot):
        return None
    return _between(first.due_ns, life.concluding.ended_ns)


def _between(start_ns: int | None, end_ns: int | None) -> int | None:
    """Subtract two times; a delay ends by the wall clock, so that "ready" may be some microseconds late."""
    return None if start_ns is None or end_ns is None else max(0, end_ns - start_ns)


def _waited_ns(publication: Publication) -> int:
    waited_s = publication.countdown_s if publication.waited_s is None else publication.waited_s
    return round((waited_s or 0.0) * NS_PER_S)
