"""Which connections to databases a process opens to keep them, where several of its tasks run at once."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate

from pytest_celery_perf.measure.steps import Steps
from pytest_celery_perf.model.history import History
from pytest_celery_perf.model.record import Execution
from pytest_celery_perf.probe.pools import OWN_PROCESS


def filling(history: History) -> frozenset[Execution]:
    """Find the executions that opened connections which a process keeps for all that it runs at once.

    Where executions share a process, each of its threads has a connection of its own, or an engine's pool has as many
    as were ever wanted at a time. Any execution may be the one that opens the next of them. More than one for each that
    was there at a time no process needs to keep.

    Args:
        history: Of all tasks, since each of them may open what the others use.

    Source:
        ``django.db.ConnectionHandler`` keeps connections by thread. ``sqlalchemy.pool.QueuePool`` opens one when all of
        those that it has are in use.
    """
    slots = {worker.boot: worker.concurrency for worker in history.workers}
    shared: dict[tuple[str, int | None], list[Execution]] = {}
    for each in sorted(history.executions, key=lambda each: each.started_ns or 0):
        if each.pool not in OWN_PROCESS and each.started_ns is not None:
            shared.setdefault((each.boot, each.pid), []).append(each)
    return frozenset(found for (boot, _), own in shared.items() for found in _filling(own, slots.get(boot)))


def _filling(own: Sequence[Execution], slots: int | None) -> Iterator[Execution]:
    """Find those of one process, in the order in which they started."""
    databases = len({use.alias for each in own for use in each.queries}) or 1
    steps = Steps.of(_there(own))
    times = [at_ns for at_ns, _ in steps.changes]
    most = list(accumulate((count for _, count in steps.changes), max))
    opened = 0
    for each in own:
        opened += each.connects
        until = len(times) if each.ended_ns is None else bisect_right(times, each.ended_ns)
        at_once = most[until - 1]
        if each.connects and opened <= databases * (at_once if slots is None else min(at_once, slots)):
            yield each


def _there(own: Iterable[Execution]) -> Iterator[tuple[int, int | None]]:
    """Yield from when to when each was there: a thread is made for one that has been received, before it starts."""
    for each in own:
        begins_ns = each.started_ns if each.received_ns is None else each.received_ns
        if begins_ns is not None:
            yield begins_ns, each.ended_ns
