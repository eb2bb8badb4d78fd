"""Tells when the worker's main process knows that a task has begun, which is after the task has."""

from __future__ import annotations

import threading
import time
from concurrent.futures import thread as thread_pool
from typing import TYPE_CHECKING, Any

from pytest_celery_perf.probe import wire
from pytest_celery_perf.probe.faults import Victim
from pytest_celery_perf.probe.orders import HEADER

if TYPE_CHECKING:
    from pytest_celery_perf.probe.faults import Faults
    from pytest_celery_perf.probe.journal import Journal

_SUBMISSION_S = 5.0
"""Longer than it takes."""


def watch(journal: Journal, faults: Faults) -> None:
    """Note it of the messages whose test may hurt the worker: what happens to a worker in between is another thing.

    A prefork worker that is told to stop while a child has begun a task and its main process does not know it yet
    waits 30 s, forgets the task's end, and has it run again.

    Args:
        journal: Where the records go.
        faults: Told of those messages that carry faults.

    Source:
        ``celery.worker.request.Request.on_accepted``, called as soon as the child's word is read.
    """
    from celery.worker.request import Request

    patched: Any = Request
    accept = patched.on_accepted

    def on_accepted(request: Any, pid: int, time_accepted: float) -> None:
        accept(request, pid, time_accepted)
        headers = request.request_dict
        header = headers.get(HEADER)
        if header is not None and ("faults" in header or "notice" in header):
            _await_submission()
        if header is not None and "notice" in header:
            now_ns = time.monotonic_ns()
            journal.write(wire.Accepted(now_ns, request.id, headers.get("retries") or 0, header["received"]))
            journal.ring()
        if header is not None and "faults" in header:
            faults.accepted(Victim(header["t"], request.id, header["received"]))

    patched.on_accepted = on_accepted


def _await_submission() -> None:
    """In a thread that a pool has just started: wait until the main thread has handed its first task over.

    Until then the main thread holds the pool's locks. A signal whose handler shuts the pool down, as SIGQUIT's does,
    would wait for them for ever: Celery's own fault, which a test shall not meet by chance.

    Source:
        ``concurrent.futures.ThreadPoolExecutor.submit``; ``on_cold_shutdown`` in celery/apps/worker.py.
    """
    if threading.current_thread() is threading.main_thread():
        return
    deadline_s = time.monotonic() + _SUBMISSION_S
    while thread_pool._global_shutdown_lock.locked() and time.monotonic() < deadline_s:
        time.sleep(0.001)
