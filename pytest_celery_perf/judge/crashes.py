"""What faults did to a task: its story in one line, why it did not survive, and what would have saved it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from pytest_celery_perf.judge import unstored
from pytest_celery_perf.judge.subjects import Subject
from pytest_celery_perf.measure.cases import severed
from pytest_celery_perf.measure.lives import Fate, Life
from pytest_celery_perf.measure.outcomes import executions_of
from pytest_celery_perf.model.faults import DATA_LOST
from pytest_celery_perf.model.history import History
from pytest_celery_perf.model.record import Execution, Outcome, TaskError, TaskOptions

Event = tuple[int, str]
"""When, and what happened."""


def story(heading: str, life: Life, blows: Iterable[Event], subject: Subject) -> str:
    """Tell what happened to one task, in order of time.

    Args:
        heading: What it came to, such as ``LOST``.
        life: The task.
        blows: The faults that hit it.
        subject: Knows how to print a time.

    Returns:
        ``LOST charge[ab12]: started in process 811 of main@host t=0.310s; SIGKILL (worker) t=0.600s; …``.
    """
    events = [*blows, *(event for execution in life.executions for event in _events(execution))]
    told = "; ".join(f"{text} {subject.clock(at_ns)}" for at_ns, text in sorted(events, key=lambda event: event[0]))
    return f"{heading} {life.label}: {told or 'never received'}{_message(life, subject)}"


def _message(life: Life, subject: Subject) -> str:
    """Say where the message of a task is at the end."""
    end = subject.history.end
    queue = end.queue_of(life.task_id) if end else None
    if queue is not None:
        return f"; in the queue {queue!r}"
    if life.task_id in subject.history.stuck_unacked:
        return "; still held in unacked"
    return "; not in unacked" if life.concluding is None else ""


def _events(execution: Execution) -> Iterator[Event]:
    again = " again" if execution.redelivered or execution.delivery > 1 else ""
    if execution.started_ns is not None:
        yield execution.started_ns, f"started{again} in process {execution.pid} of {execution.worker}"
    elif execution.received_ns is not None:
        yield execution.received_ns, f"received{again} by {execution.worker}"
    if execution.ended_ns is not None and execution.outcome is not None:
        error = f" ({execution.error.type}: {execution.error.message})" if execution.error else ""
        alone = ", which could not be stored" if execution.unstored else ""
        yield execution.ended_ns, f"{execution.outcome}{error}{alone}"
    elif execution.acknowledged_ns is not None:
        yield execution.acknowledged_ns, "acknowledged without an end"
    if execution.requeued_ns is not None:
        yield execution.requeued_ns, "put back into its queue"


UNBOUNDED = (
    "Celery puts the task of a dead child back without a bound: retry_on_worker_lost=True, where your Celery has it, "
    "counts these executions against max_retries"
)
"""Source: ``on_failure`` in celery/worker/request.py."""
UNENDING = (
    "acks_on_failure_or_timeout=False puts back without a bound what its time limit has ended: let it be acknowledged "
    "(acks_on_timeout=True, where your Celery has it), or find out why it takes so long"
)
_OVERDUE = (
    "its hard time limit ended it, which Celery acknowledges: find out why it takes so long or, if it may begin again, "
    "set {missing} (acks_on_timeout=False, where your Celery has it) in {decorator}"
)
"""Source: ``on_timeout`` in celery/worker/request.py."""
CANCEL = (
    "set worker_cancel_long_running_tasks_on_connection_loss=True: a worker that loses its broker then ends what its "
    "children run, before the broker delivers it again"
)
"""Source: ``on_connection_error_after_connected`` in celery/worker/consumer/consumer.py."""
GIVE_UP = "let it look at self.request.delivery_info['redelivered'], and give up what came too often"
_VANISHED = (
    "the broker came back without its message: a worker had just taken it from its queue and not yet noted it in "
    "unacked, which kombu does in two steps"
)
"""Source: ``Channel._brpop_read`` and ``QoS.append`` in kombu/transport/redis.py."""
_IN_HAND = (
    "its message is nowhere: a worker had just taken it from its queue, and was gone before it had noted it in "
    "unacked, which kombu does in two steps"
)
"""Source: as above."""
_EMPTIED = "the broker came back without its data: it keeps no append-only file"
_SWALLOWED = (
    "the broker had taken its message from its queue and sent it over a connection that no worker read any more: kombu "
    "notes a message in unacked only once it has arrived"
)
"""Source: as above."""
_CANCELLED = "its worker revoked and acknowledged it (worker_cancel_long_running_tasks_on_connection_loss)"
"""Source: ``on_connection_error_after_connected`` in celery/worker/consumer/consumer.py."""
_EXPIRED = "its message had expired when it was delivered again: expires= holds for a redelivery, too"
"""Source: ``Request.maybe_expire`` in celery/worker/request.py."""
_STOPPED = "lost because the {pool} pool acknowledges what it runs when its worker is told to stop at once"
"""Only prefork can end what it runs; the others let it end their process.

Source: ``on_stop`` and ``terminate_job`` in celery/concurrency; seen with SIGQUIT on gevent."""
_INTERRUPTED = (
    "failed because the solo pool cannot end what it runs: told to stop at once, its worker raises Celery's own "
    "NotImplementedError in the middle of the task"
)
"""Source: ``BasePool.terminate_job`` in celery/concurrency/base.py, called by ``on_cold_shutdown`` in
celery/apps/worker.py."""
_UNABLE = "does not implement kill_job"
"""What that exception says."""


def cause(life: Life, subject: Subject) -> str:
    """Say why a task did not survive; empty where the records do not show it."""
    options = subject.options
    if life.cut_short is not None:
        broken = any(fault.disconnects for fault in subject.history.faults)
        return _EXPIRED if life.expired else _CANCELLED if broken else ""
    if _forgotten(life, subject):
        return _forgetting(subject.history)
    if _interrupted(life):
        return _INTERRUPTED
    if options is None or life.fate not in (Fate.LOST, Fate.UNFINISHED):
        return ""
    return _acknowledged(life, options, subject.history)


def _interrupted(life: Life) -> bool:
    """Tell whether the handler of a signal to its worker has raised in the middle of a task."""
    error = life.concluding.error if life.fate is Fate.FAILED and life.concluding else None
    return error is not None and error.type == "builtins.NotImplementedError" and _UNABLE in error.message


def _forgotten(life: Life, subject: Subject) -> bool:
    """Tell whether the broker has lost the message of a task that nobody has begun."""
    if life.started:
        return False
    if life.fate is Fate.LOST:
        return all(each.acknowledged_ns is None and each.outcome is None for each in life.executions)
    end = subject.history.end
    return life.fate is Fate.UNFINISHED and end is not None and not end.holds(life.task_id)


def _forgetting(history: History) -> str:
    """Say how the broker came to lose a message."""
    if any(fault.detail == DATA_LOST for fault in history.faults):
        return _EMPTIED
    if any(fault.kind == "kill-broker" for fault in history.faults):
        return _VANISHED
    return _SWALLOWED if severed(history) else _IN_HAND


def _acknowledged(life: Life, options: TaskOptions, history: History) -> str:
    """Say who acknowledged the message of a task before its end."""
    last = life.executions[-1] if life.executions else None
    acknowledged = last is not None and last.acknowledged_ns is not None and last.ended_ns is None
    if last is not None and acknowledged and last.pool == "gevent" and _stopped(last, history):
        return _STOPPED.format(pool=last.pool)
    reported = any(execution.outcome is Outcome.LOST for execution in life.executions)
    if not options.acks_late:
        # The word of it may have died with the worker.
        unheard = life.fate is Fate.LOST and last is not None and last.crashed and last.requeued_ns is None
        early = acknowledged or reported or unheard
        return "lost because it was acknowledged before it ran (acks_late=False)" if early else ""
    if reported:
        lost = "lost because Celery acknowledges the message of a child that died (reject_on_worker_lost=False)"
        return "" if options.reject_on_worker_lost else lost
    if last is None or last.pool == "prefork" or not acknowledged:
        return ""
    return _STOPPED.format(pool=last.pool)


def _stopped(execution: Execution, history: History) -> bool:
    """Tell whether a worker that was told to stop has ended by itself, which leaves behind only what it may not."""
    kinds = {fault.kind for fault in history.faults if fault.boot == execution.boot}
    return kinds >= {"stop-worker", "worker-ended"} and "kill-worker" not in kinds


def put_back(subject: Subject) -> bool:
    """Tell whether Celery has put a task back since its child had died.

    A worker also puts back what runs when it is told to stop, or has lost its connection; that is no dead child.

    Args:
        subject: The tasks.
    """
    stops = [fault for fault in subject.history.faults if fault.kind == "stop-worker" or fault.disconnects]

    def excused(execution: Execution, requeued_ns: int) -> bool:
        return any(stop.boot in (None, execution.boot) and stop.at_ns <= requeued_ns for stop in stops)

    return any(
        each.crashed and each.requeued_ns is not None and not excused(each, each.requeued_ns)
        for life in subject.lives
        for each in life.started
    )


def remedy(life: Life, subject: Subject) -> Iterator[str]:
    """Say what would have saved a task."""
    options = subject.options
    reason = cause(life, subject)
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
    elif reason == _VANISHED:
        yield "no option of Celery closes that gap: have something publish again what was never begun"
        yield "this broker kept its append-only file; without one (appendonly yes) all that waited would be lost"
    elif reason in (_SWALLOWED, _IN_HAND):
        yield "no option of Celery closes that gap: have something publish again what was never begun"
    elif reason == _EMPTIED:
        yield "give the broker an append-only file (appendonly yes): then only what is on its way to a worker is lost"
    elif reason == _CANCELLED:
        yield "set worker_cancel_long_running_tasks_on_connection_loss=False"
    elif reason == _EXPIRED:
        yield (
            "let it expire later than the visibility timeout passes, or not at all, and have the task itself find out "
            "whether it is still of use"
        )
    elif "pool" in reason:
        elsewhere = "run it on prefork" if options and options.acks_late else "run it on prefork with acks_late=True"
        yield f"no option of the task helps here: {elsewhere}, or end its worker by SIGTERM, with the time to finish"
    elif life.fate is Fate.FAILED and executions_of(life) > 1:
        yield "it failed where it had to go on after the crash: make it find out what was done already"
    elif (
        life.fate is Fate.FAILED
        and life.concluding
        and (error := life.concluding.error)
        and not unstored.is_its_failure(life)
    ):
        yield _failing(error, subject)


def _failing(error: TaskError, subject: Subject) -> str:
    """Say what to do about the exception that a task ended with."""
    if error.type == "billiard.exceptions.TimeLimitExceeded":
        late = "" if subject.options and subject.options.acks_late else "acks_late=True and "
        return _OVERDUE.format(missing=f"{late}acks_on_failure_or_timeout=False", decorator=subject.decorator)
    place = f" at {subject.place(error.where)}" if error.where else ""
    return f"it raised {error.type.rpartition('.')[2]}{place}: mend that"
