"""A Celery app that keeps results, with tasks that survive more or less."""

from __future__ import annotations

import time
from pathlib import Path

from celery import Celery

app = Celery("till", broker="redis://app.invalid:1/0", backend="redis://app.invalid:1/1")
app.conf.update(task_routes={"till.lost": {"queue": "nowhere"}})


@app.task
def add(x: int, y: int) -> int:
    """Return a sum."""
    return x + y


@app.task
def total(numbers: list[int]) -> int:
    """Add up, for a chord."""
    return sum(numbers)


@app.task(acks_late=True, reject_on_worker_lost=True)
def pay(amount: int) -> int:
    """Survive everything."""
    return amount


@app.task
def tip(amount: int) -> int:
    """Be acknowledged before it runs."""
    return amount


@app.task
def queue_up(gate: str) -> None:
    """Wait until a file exists; acknowledged early, so that its worker survives the end of its broker."""
    while not Path(gate).exists():
        time.sleep(0.01)


@app.task
def lost() -> None:
    """Go to a queue that nobody consumes."""
