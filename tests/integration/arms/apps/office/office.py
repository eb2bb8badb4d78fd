"""A Celery app whose tasks take known amounts of time, CPU and memory."""

from __future__ import annotations

import time
from pathlib import Path

from celery import Celery, Task

app = Celery("office", broker="redis://app.invalid:1/0")
app.conf.task_ignore_result = True


@app.task
def nap(seconds: float) -> None:
    """Wait for a while."""
    time.sleep(seconds)


@app.task
def burn(seconds: float) -> None:
    """Compute for a while."""
    end = time.thread_time() + seconds
    while time.thread_time() < end:
        pass


@app.task
def hoard(size: int) -> None:
    """Hold some memory for a moment."""
    held = b"x" * size
    del held


@app.task
def sign(file: str) -> None:
    """Write down what depends on the seed of this process."""
    with Path(file).open("a") as notes:
        notes.write(f"{hash('office')}\n")


@app.task(bind=True, max_retries=1)
def hesitate(self: Task) -> None:
    """Succeed at the second attempt."""
    if not self.request.retries:
        raise self.retry(countdown=0)
