"""The signals that did not end what they were sent to: which, why, and what to do about it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from signal import SIGINT, SIGQUIT, SIGTERM, Signals

from pytest_celery_perf.model.faults import SUPERVISOR_GRACE_S, Fault
from pytest_celery_perf.model.history import History
from pytest_celery_perf.model.spec import RecoveryBudget
from pytest_celery_perf.model.units import format_duration_s

_REASONS = {("child", "SIGINT"): "the children of a worker ignore it"}
"""Why a process survives a signal.

Source:
    ``WORKER_SIGIGNORE`` in celery/concurrency/prefork.py.
"""
_SHUTDOWNS = (SIGTERM, SIGQUIT, SIGINT)
"""The signals upon which a worker shuts down."""


def survived(kills: Sequence[Fault], history: History) -> tuple[Fault, ...]:
    """Return those kills that their victims have survived.

    Args:
        kills: What was sent.
        history: What happened.
    """
    survivors = [fault for fault in history.faults if fault.kind == "survived"]
    return tuple(kill for kill in kills if any(_same_victim(kill, each) for each in survivors))


def _same_victim(kill: Fault, survivor: Fault) -> bool:
    return survivor.boot == kill.boot and (kill.kind == "kill-worker" or survivor.pid == kill.pid)


def undying(kills: Sequence[Fault], budget: RecoveryBudget, history: History) -> Iterator[str]:
    """Tell of the kills that were survived.

    Args:
        kills: These.
        budget: What was ordered.
        history: Knows the names of the workers.
    """
    names = {worker.boot: worker.name for worker in history.workers}
    signal = Signals(budget.signal).name
    reason = _REASONS.get((budget.kill, signal))
    for kill in kills:
        name = names.get(kill.boot or "", "a worker")
        victim = f"process {kill.pid} of {name}" if kill.kind == "kill-child" else f"the worker {name}"
        yield f"{signal} did not end {victim}, which goes on{f': {reason}' if reason else ''}"


def instead(budget: RecoveryBudget) -> str:
    """Say what to do where a signal was survived.

    Args:
        budget: What was ordered.
    """
    if budget.kill == "child":
        return 'use signal="SIGKILL", the default, which nothing survives'
    if budget.signal in _SHUTDOWNS:
        grace = format_duration_s(SUPERVISOR_GRACE_S)
        return f"find out what keeps the worker from ending once its tasks have: it was there still {grace} later"
    return 'use signal="SIGKILL", the default, which nothing survives; "SIGTERM" and "SIGQUIT" shut a worker down'
