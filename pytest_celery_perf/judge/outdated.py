"""What an older Celery makes of a fault, where a newer one does better."""

from __future__ import annotations

import re
from collections.abc import Iterator

from pytest_celery_perf.judge.subjects import Subject
from pytest_celery_perf.model.faults import Fault
from pytest_celery_perf.model.history import History
from pytest_celery_perf.model.record import Execution

FORGETS = (
    "with its connection to the broker, a prefork worker of Celery {version} forgets what its children run, and never "
    "acknowledges it: upgrade to Celery 5.6"
)
"""Source: ``AsynPool.flush`` in celery/concurrency/asynpool.py clears its cache until 5.5."""
GIVES_UP = (
    "a worker of Celery {version} ends if it cannot store that it cancels what runs "
    "(worker_cancel_long_running_tasks_on_connection_loss): upgrade to Celery 5.7, or set that to False"
)
"""Source: ``on_connection_error_after_connected`` in celery/worker/consumer/consumer.py guards it since 5.7."""


def outdated(subject: Subject) -> Iterator[str]:
    """Say which faults a newer Celery would have survived.

    Args:
        subject: The tasks.
    """
    history = subject.history
    versions = {worker.boot: worker.celery for worker in history.workers}
    losses = [fault for fault in history.faults if fault.disconnects]
    executions = [execution for life in subject.lives for execution in life.started]
    for boot in dict.fromkeys(each.boot for each in executions if _forgotten(each, losses)):
        if _before(versions.get(boot, ""), (5, 6)):
            yield FORGETS.format(version=versions[boot])
    for boot in _gave_up(history) if losses else ():
        if _before(versions.get(boot, ""), (5, 7)):
            yield GIVES_UP.format(version=versions[boot])


def _forgotten(execution: Execution, losses: list[Fault]) -> bool:
    """Tell whether the connection broke while a child ran a task that nobody has acknowledged since."""
    begun_ns, ended_ns = execution.started_ns or 0, execution.ended_ns
    if execution.pool != "prefork" or ended_ns is None or execution.acknowledged_ns or execution.requeued_ns:
        return False
    return any(begun_ns <= loss.at_ns <= ended_ns for loss in losses)


def _gave_up(history: History) -> Iterator[str]:
    """Yield the workers that died since the broker, and with it the result backend, did not answer."""
    for fault in history.faults:
        if fault.kind == "worker-died" and fault.boot is not None and "ConnectionError" in fault.detail:
            yield fault.boot


def _before(version: str, bound: tuple[int, int]) -> bool:
    found = re.match(r"(\d+)\.(\d+)", version)
    return found is not None and (int(found[1]), int(found[2])) < bound
