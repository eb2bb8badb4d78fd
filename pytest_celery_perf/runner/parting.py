"""Sees whether what a signal was to end does end: only SIGKILL leaves no choice."""

from __future__ import annotations

import time
from collections.abc import Iterator
from signal import SIGKILL

from pytest_celery_perf.model.faults import SUPERVISOR_GRACE_S, Fault
from pytest_celery_perf.model.units import format_duration_s
from pytest_celery_perf.runner.trial import Trial

_LOOK_S = 0.02
"""How long until it is looked again: nobody tells the test process of a dead child."""


def see_off(trial: Trial, grace_s: float = SUPERVISOR_GRACE_S) -> None:
    """Wait for the end of the processes that the test's tasks were to end, and note which of them live on.

    A worker that shuts down ends after the last of its tasks.

    Args:
        trial: Of a test whose tasks are over; nothing is done where one is still open, which explains enough.
        grace_s: Seconds after which a process counts as one that lives on.
    """
    if trial.book.open or not any(each.do.startswith("kill-") and each.signal != SIGKILL for each in trial.orders):
        return
    deadline_s = time.monotonic() + grace_s
    while (living := list(_living(trial))) and time.monotonic() < deadline_s:
        trial.attend(time.monotonic() + _LOOK_S)
    detail = f"{format_duration_s(grace_s)} after the last task"
    for each in living:
        trial.book.note("survived", boot=each.boot, pid=each.pid, point=each.point, task_id=each.task_id, detail=detail)


def _living(trial: Trial) -> Iterator[Fault]:
    """Return those faults whose victim is still there, and has not yet told that it will stay."""
    workers = {member.boot: member.worker for member in trial.pool.members if member.worker.alive}
    survived = {(fault.boot, fault.pid) for fault in trial.book.faults if fault.kind == "survived"}
    for fault in trial.book.faults:
        worker = workers.get(fault.boot or "")
        if worker is None or fault.pid is None or (fault.boot, fault.pid) in survived:
            continue
        if fault.kind == "kill-worker" or (fault.kind == "kill-child" and worker.send_signal(fault.pid, 0)):
            yield fault
