"""The fault under which a slow task was, by the test's own order: no advice on queues or code would be about it."""

from __future__ import annotations

from pytest_celery_perf.judge.subjects import Subject
from pytest_celery_perf.measure.lives import Life
from pytest_celery_perf.model.faults import Fault

_OVER_BY = {
    "freeze-worker": ("thaw-worker",),
    "pause-broker": ("broker-resumed",),
    "kill-broker": ("broker-restarted",),
    "kill-worker": ("worker-restarted",),
    "stop-worker": ("worker-restarted",),
}
"""What is recorded when a fault is over; those of the network by ``network-healed``."""


def disturbance(life: Life, subject: Subject) -> str:
    """Say which fault took most of a task's time.

    Args:
        life: A task that has ended, and was slow.
        subject: All of its name.

    Returns:
        What to do about it; empty if there was no such fault.
    """
    if not life.publications or life.concluding is None or life.concluding.ended_ns is None:
        return ""
    since_ns, until_ns = life.publications[0].due_ns, life.concluding.ended_ns
    boots = {None, *(each.boot for each in life.executions)}
    for fault in subject.history.faults:
        if fault.harmless or fault.consequence or (fault.boot not in boots and not fault.deadly):
            continue
        over_ns = _over_ns(fault, subject)
        under_ns = min(over_ns or until_ns, until_ns) - max(fault.at_ns, since_ns)
        if under_ns * 2 > until_ns - since_ns:
            began, over = subject.clock(fault.at_ns), "" if over_ns is None else f", over {subject.clock(over_ns)}"
            return (
                f"most of the slowest passed after {fault.kind}, which the test orders ({began}{over}): allow for it, "
                "or judge this in a test without it"
            )
    return ""


def _over_ns(fault: Fault, subject: Subject) -> int | None:
    """Return when a fault was over; None if nobody noted that."""
    ends = ("network-healed",) if fault.kind.startswith("network-") else _OVER_BY.get(fault.kind, ())
    later = [each.at_ns for each in subject.history.faults if each.kind in ends and each.at_ns >= fault.at_ns]
    return min(later, default=None)
