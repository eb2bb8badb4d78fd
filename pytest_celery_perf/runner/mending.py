"""Makes a pool fit for the next run of a test that has killed some of it, without starting all of it anew."""

from __future__ import annotations

from pytest_celery_perf.broker import inspect
from pytest_celery_perf.errors import BrokerError
from pytest_celery_perf.runner.trial import Trial

HEALED = frozenset(
    {
        *("kill-child", "kill-worker", "process-gone", "worker-ended", "worker-restarted"),
        *("restored", "raise", "diverged"),
    }
)
"""The kinds of faults after which new workers in the places of those that were hit are as good as a new pool."""


def mend(trial: Trial) -> None:
    """Replace the workers of which a test has killed a child, and those that it is killing just now.

    Most that it killed have successors already. But who is to strike at the end of a task writes that down first, and
    may not have come to it yet. Nothing is done where more is hurt than that: then the whole pool goes.

    Args:
        trial: Of a test that is over, and still publishes to its broker.
    """
    trial.pump()
    book = trial.book
    if book.open or book.ending or any(fault.kind not in HEALED for fault in book.faults):
        return
    try:
        if inspect.unacked_ids(trial.app):
            return
    except BrokerError:
        return
    killed = {fault.boot for fault in book.faults if fault.kind in ("kill-child", "kill-worker") and fault.boot}
    trial.pool.mend(killed)
