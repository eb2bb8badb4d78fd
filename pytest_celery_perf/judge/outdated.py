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
DAWDLES = (
    "a gevent worker of Celery {version} acknowledges only once it has waited a second for more: upgrade to Celery 5.7"
)
"""Source: ``synloop`` in celery/worker/loops.py acknowledges before it waits; ``call_soon_ack`` is new in 5.7."""
GIVES_UP = (
    "a worker of Celery {version} ends if it cannot store that it cancels what runs "
    "(worker_cancel_long_running_tasks_on_connection_loss): upgrade to Celery 5.7, or set that to False"
)
"""Source: ``on_connection_error_after_connected`` in celery/worker/consumer/consumer.py guards it since 5.7."""
_MENDED_IN = {FORGETS: (5, 6), DAWDLES: (5, 7), GIVES_UP: (5, 7)}


def outdated(subject: Subject) -> Iterator[str]:
    """Say which faults a newer Celery would have survived.

    Args:
        subject: The tasks.
    """
    history = subject.history
    losses = [fault for fault in history.faults if fault.disconnects]
    executions = [execution for life in subject.lives for execution in life.started]
    boots = {
        FORGETS: [each.boot for each in executions if any(_forgotten(each, loss) for loss in losses)],
        DAWDLES: [each.boot for each in executions if any(_unheard(each, loss) for loss in losses)],
        GIVES_UP: [*_gave_up(history)] if losses else [],
    }
    versions = {worker.boot: worker.celery for worker in history.workers}
    for text, mended_in in _MENDED_IN.items():
        for version in dict.fromkeys(versions.get(boot, "") for boot in boots[text]):
            if _before(version, mended_in):
                yield text.format(version=version)


def _forgotten(execution: Execution, loss: Fault) -> bool:
    """Tell whether the connection broke while a child ran a task that nobody has acknowledged since."""
    if execution.pool != "prefork" or execution.ended_ns is None or execution.requeued_ns is not None:
        return False
    return execution.acknowledged_ns is None and (execution.started_ns or 0) <= loss.at_ns <= execution.ended_ns


def _unheard(execution: Execution, loss: Fault) -> bool:
    """Tell whether the connection broke after the end of a task, and before anybody acknowledged it."""
    if execution.pool != "gevent" or execution.ended_ns is None:
        return False
    return execution.ended_ns <= loss.at_ns and (execution.acknowledged_ns or loss.at_ns) >= loss.at_ns


def _gave_up(history: History) -> Iterator[str]:
    """Yield the workers that died since the broker, and with it the result backend, did not answer."""
    for fault in history.faults:
        if fault.kind == "worker-died" and fault.boot is not None and "ConnectionError" in fault.detail:
            yield fault.boot


def _before(version: str, bound: tuple[int, int]) -> bool:
    found = re.match(r"(\d+)\.(\d+)", version)
    return found is not None and (int(found[1]), int(found[2])) < bound
