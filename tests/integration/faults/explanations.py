"""Whether a history explains by its faults what became of each task."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from pytest_celery_perf.measure.outcomes import Classified, TaskClass, classify
from pytest_celery_perf.model.faults import Fault
from pytest_celery_perf.model.history import History
from pytest_celery_perf.model.record import Execution

AGAIN = (TaskClass.OVERLAPPING, TaskClass.DUPLICATED)


def unexplained(history: History) -> list[str]:
    """Return what no fault explains, a line for each, of tasks that are acknowledged late and put back.

    Such a task may run again after a fault, even at the same time if its worker has lost its connection, and after its
    end if nobody has heard of that. It may be lost only on its way to a worker. Nothing else may become of it.
    """
    return [line for each in classify(history) for line in _unexplained(each, history)]


def _unexplained(each: Classified, history: History) -> Iterator[str]:
    task, executions = each.life.label, each.life.executions
    for first, second in pairwise(executions):
        if not any(_hits(fault, first, second) for fault in history.faults):
            yield f"{task}: nothing explains delivery {second.delivery}"
    if each.task_class is TaskClass.LOST:
        if not _went_astray(each, history):
            yield f"{task}: lost, {each.reason}"
    elif each.task_class in AGAIN:
        unheard = each.task_class is TaskClass.DUPLICATED and any(_ended_unheard(one, history) for one in executions)
        if not unheard and not any(fault.disconnects for fault in history.faults):
            yield f"{task}: {each.task_class}, {each.reason}, and no connection was broken"
    elif each.task_class is not TaskClass.COMPLETED:
        yield f"{task}: {each.task_class}, {each.reason}"
    if each.life.task_id in (*history.unfinished, *history.stuck_unacked):
        yield f"{task}: it is {each.task_class}, and its message is still there"
    deaths = sum(fault.deadly or fault.kind == "worker-died" for fault in history.faults)
    if (died := sum(each.crashed for each in executions)) > deaths:
        yield f"{task}: its process died {died}×, with {deaths} faults of which one dies"


def _hits(fault: Fault, first: Execution, second: Execution) -> bool:
    """Tell whether a fault can have made the broker deliver a message again.

    It need not have come after the first delivery: who was told to end, or has lost a connection unawares, may still
    take a message, and gives it back.
    """
    if fault.at_ns >= _received(second):
        return False
    if fault.kind == "kill-child":
        return fault.task_id == first.task_id
    if fault.deadly or fault.kind == "worker-died":
        return fault.boot == first.boot
    return fault.disconnects


def _ended_unheard(execution: Execution, history: History) -> bool:
    """Tell whether a worker was killed after a task of its had ended, and before it acknowledged that."""
    if execution.ended_ns is None or execution.acknowledged_ns is not None:
        return False
    return any(fault.deadly and fault.boot == execution.boot for fault in history.faults)


def _received(execution: Execution) -> int:
    return execution.received_ns or 0


def _went_astray(each: Classified, history: History) -> bool:
    """Tell whether a message has vanished of which no worker had a record, or had one before its connection broke."""
    vanished = [
        fault.at_ns for fault in history.faults if (fault.kind, fault.task_id) == ("vanished", each.life.task_id)
    ]
    severe = [
        fault.at_ns for fault in history.faults if fault.deadly or fault.disconnects or fault.kind == "worker-died"
    ]
    published_ns = min(publication.published_ns for publication in each.life.publications)
    return bool(vanished) and any(published_ns < at_ns < vanished[0] for at_ns in severe)
