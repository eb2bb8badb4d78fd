"""A Celery app that sends letters and keeps results on the broker's server."""

from __future__ import annotations

import os
from pathlib import Path

from celery import Celery, Task
from kombu.transport.redis import Channel

app = Celery("post", broker="redis://app.invalid:1/0", backend="redis://app.invalid:1/0")
if os.environ.get("POST_LISTENS_LONG"):
    _listen = Channel._brpop_start

    def _listen_long(channel: Channel) -> None:
        """Wait for a message for longer than a second, after which nobody is sent it over a dead connection."""
        _listen(channel, timeout=20)

    Channel._brpop_start = _listen_long


@app.task
def weigh(letter: str) -> int:
    """Return the weight of a letter."""
    return len(letter)


@app.task(ignore_result=True)
def sort(letter: str) -> None:
    """Sort a letter."""


@app.task(acks_late=True, reject_on_worker_lost=True, ignore_result=True)
def deliver(door: str) -> None:
    """Wait until somebody opens a FIFO for writing."""
    Path(door).read_text()


@app.task(acks_late=True, reject_on_worker_lost=True)
def stamp(letter: str) -> int:
    """Return what the stamp of a letter costs."""
    return len(letter)


@app.task(acks_late=True)
def tear(letter: str) -> None:
    """Fail at a letter."""
    raise ValueError(letter)


@app.task(bind=True, acks_late=True)
def ring_twice(self: Task[..., None]) -> None:
    """Find nobody in at the first time."""
    if not self.request.retries:
        raise self.retry(countdown=1)
