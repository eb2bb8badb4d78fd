"""What a crash did to a task: its story in one line, why it was lost, and what would have saved it."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations
from signal import Signals

from pytest_celery_perf.judge.subjects import Subject
from pytest_celery_perf.measure.lives import Fate, Life
from pytest_celery_perf.model.record import Execution, Fault, Outcome
from pytest_celery_perf.model.spec import RecoveryBudget


def story(life: Life, hits: tuple[Fault, ...], budget: RecoveryBudget, subject: Subject) -> str:
    """Tell what happened to one task, in order of time.

    Args:
        life: The task.
        hits: The faults that hit it.
        budget: Names the signal.
        subject: Knows how to print a time.

    Returns:
        ``LOST charge[ab12]: started in process 811 of main@host t=0.310s; SIGKILL (worker) t=0.600s; …``.
    """
    blow = "broker killed" if budget.kill == "broker" else f"{Signals(budget.signal).name} to its {budget.kill}"
    events = [(hit.at_ns, f"{blow} at {hit.point or budget.at}") for hit in hits]
    for execution in life.executions:
        events += _events(execution)
    told = "; ".join(f"{text} {subject.clock(at_ns)}" for at_ns, text in sorted(events, key=lambda event: event[0]))
    stuck = life.task_id in subject.history.stuck_unacked
    where = "; still held in unacked" if stuck else "; not in unacked" if life.concluding is None else ""
    return f"{_heading(life, stuck=stuck)} {life.label}: {told or 'never received'}{where}"


def _heading(life: Life, *, stuck: bool) -> str:
    if life.fate is Fate.SUCCEEDED and any(execution.crashed for execution in life.executions):
        return "RECOVERED"
    return "STRANDED" if stuck and life.fate is Fate.UNFINISHED else life.fate.upper()


def _events(execution: Execution) -> Iterator[tuple[int, str]]:
    again = " again" if execution.redelivered or execution.delivery > 1 else ""
    if execution.started_ns is not None:
        yield execution.started_ns, f"started{again} in process {execution.pid} of {execution.worker}"
    elif execution.received_ns is not None:
        yield execution.received_ns, f"received{again} by {execution.worker}"
    if execution.ended_ns is not None and execution.outcome is not None:
        error = f" ({execution.error.type}: {execution.error.message})" if execution.error else ""
        yield execution.ended_ns, f"{execution.outcome}{error}"
    elif execution.acknowledged_ns is not None:
        yield execution.acknowledged_ns, "acknowledged without an end"
    if execution.requeued_ns is not None:
        yield execution.requeued_ns, "put back into its queue"


_VANISHED = (
    "the broker came back without its message: a worker had just taken it from its queue and not yet noted it in "
    "unacked, which kombu does in two steps"
)
"""Source: ``Channel._brpop_read`` and ``QoS.append`` in kombu/transport/redis.py."""


def cause(life: Life, budget: RecoveryBudget, subject: Subject) -> str:
    """Say why a task did not survive; empty where the records do not show it."""
    options = subject.options
    if life.fate is Fate.REVOKED and budget.kill == "broker":
        return "its worker revoked and acknowledged it (worker_cancel_long_running_tasks_on_connection_loss)"
    if life.fate is Fate.LOST and not life.executions:
        return _VANISHED
    if options is None or life.fate not in (Fate.LOST, Fate.UNFINISHED):
        return ""
    acknowledged = any(execution.acknowledged_ns is not None for execution in life.executions)
    reported = any(execution.outcome is Outcome.LOST for execution in life.executions)
    if not options.acks_late and (acknowledged or reported):
        return "lost because it was acknowledged before it ran (acks_late=False)"
    if options.acks_late and not options.reject_on_worker_lost and reported:
        return "lost because Celery acknowledges the message of a child that died (reject_on_worker_lost=False)"
    return ""


def remedy(life: Life, budget: RecoveryBudget, subject: Subject) -> Iterator[str]:
    """Say what would have saved a task."""
    options = subject.options
    reason = cause(life, budget, subject)
    if "acks_late" in reason or "reject_on_worker_lost" in reason:
        missing = [
            name
            for name, present in (
                ("acks_late=True", options and options.acks_late),
                ("reject_on_worker_lost=True", options and options.reject_on_worker_lost),
            )
            if not present
        ]
        yield f"set {' and '.join(missing)} in {subject.decorator}"
        yield "a task that survives a crash may run twice: keep what it does idempotent"
    elif "broker came back" in reason:
        yield "no option of Celery closes that gap: have something publish again what was never begun"
        yield "this broker kept its append-only file; without one (appendonly yes) all that waited would be lost"
    elif life.fate is Fate.REVOKED and reason:
        yield "set worker_cancel_long_running_tasks_on_connection_loss=False"
    elif life.fate is Fate.FAILED:
        yield "it failed where it had to go on after the crash: make it find out what was done already"


def overlaps(life: Life) -> Iterator[tuple[Execution, Execution]]:
    """Yield pairs of executions of the same attempt that ran at the same time."""
    for one, other in combinations(life.started, 2):
        first, second = sorted((one, other), key=lambda execution: execution.started_ns or 0)
        same_attempt = first.retries == second.retries
        if same_attempt and first.ended_ns is not None and (second.started_ns or 0) < first.ended_ns:
            yield first, second
