"""A Celery app that keeps results, with a task for each way to be acknowledged."""

from __future__ import annotations

import json
import os
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from celery import Celery, Task
from celery.worker.request import Request
from kombu.transport.redis import Channel, QoS

app = Celery("mill", broker="redis://app.invalid:1/0", backend="redis://app.invalid:1/1")
app.conf.broker_transport_options = json.loads(os.environ["MILL_TRANSPORT"])
if os.environ.get("MILL_DIES_BEFORE_NOTING"):
    _append = QoS.append

    def _die_before_noting(qos: QoS, message: Any, delivery_tag: str) -> None:
        """Die with a task's message in hand, which is in no queue any more and not yet in unacked."""
        if "task" in message.headers:
            os.kill(os.getpid(), signal.SIGKILL)
        _append(qos, message, delivery_tag)

    QoS.append = _die_before_noting
if os.environ.get("MILL_HEARS_LATE"):
    _accept = Request.on_accepted

    def _accept_late(request: Request, pid: int, at_s: float) -> None:
        """Have the main process hear late that a child has begun a task."""
        time.sleep(0.3)
        _accept(request, pid, at_s)

    Request.on_accepted = _accept_late
if os.environ.get("MILL_LISTENS_LONG"):
    _listen = Channel._brpop_start

    def _listen_long(channel: Channel) -> None:
        """Wait for a message for longer than a second, after which nobody is sent it over a dead connection."""
        _listen(channel, timeout=20)

    Channel._brpop_start = _listen_long
if os.environ.get("MILL_SUBMITS_SLOWLY"):
    _adjust = ThreadPoolExecutor._adjust_thread_count

    def _adjust_slowly(executor: ThreadPoolExecutor) -> None:
        """Have a new thread run its task while the main one, deaf to signals, still holds the locks of the pool."""
        signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGQUIT])
        _adjust(executor)
        time.sleep(0.3)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGQUIT])

    ThreadPoolExecutor._adjust_thread_count = _adjust_slowly


def _wait_for(gate: str | None) -> None:
    while gate is not None and not Path(gate).exists():
        time.sleep(0.01)


@app.task
def early(gate: str | None = None) -> None:
    """Be acknowledged before it runs; wait for a gate, if there is one."""
    _wait_for(gate)


@app.task(reject_on_worker_lost=True)
def early_rejecting(gate: str | None = None) -> None:
    """Be acknowledged before it runs, which leaves nothing to reject."""
    _wait_for(gate)


@app.task(acks_late=True)
def late(gate: str | None = None) -> None:
    """Be acknowledged after it has run, or when its process dies."""
    _wait_for(gate)


@app.task(acks_late=True, reject_on_worker_lost=True, max_retries=3)
def safe(gate: str | None = None) -> None:
    """Be acknowledged after it has run, and put back when its process dies."""
    _wait_for(gate)


@app.task(acks_late=True, time_limit=600, soft_time_limit=300)
def limited() -> None:
    """Be acknowledged after it has run, or when its time is over."""


@app.task(acks_late=True, acks_on_failure_or_timeout=False, time_limit=600, soft_time_limit=300)
def stubborn() -> None:
    """Be acknowledged only after it has succeeded."""


@app.task
def total(parts: list[None]) -> int:
    """Count what a chord has brought together."""
    return len(parts)


@app.task(acks_late=True, retry_on_worker_lost=True, max_retries=3, default_retry_delay=0)
def bounded() -> None:
    """Be tried again when its process dies, but not for ever."""


@app.task(bind=True, acks_late=True)
def hasty(self: Task, seconds: float) -> None:
    """Take its time, but only once."""
    if not self.request.delivery_info.get("redelivered"):
        time.sleep(seconds)
