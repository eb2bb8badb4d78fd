"""A Celery app without Django, with tasks of every temper."""

from __future__ import annotations

import gc
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any, ClassVar

from celery import Celery, Task, shared_task

app = Celery("office", broker="redis://app.invalid:1/0")
app.conf.update(
    task_ignore_result=True,
    task_routes={
        "office.misrouted": {"queue": "nowhere"},
        "office.urgent": {"priority": 3},
        "office.relaxed": {"priority": 7},
    },
    broker_transport_options={"priority_steps": list(range(10))},
)


@app.task
def add(x: int, y: int) -> int:
    """Return a sum."""
    return x + y


@app.task
def stand(gate: str) -> None:
    """Wait until somebody opens a FIFO for writing."""
    Path(gate).read_text()


@app.task
def fan_out(children: int) -> None:
    """Publish some tasks."""
    for number in range(children):
        add.delay(number, number)


@app.task
def burn(seconds: float) -> None:
    """Compute for a while."""
    end = time.thread_time() + seconds
    while time.thread_time() < end:
        pass


@app.task
def tidy(times: int) -> None:
    """Collect garbage, and nothing that it does not ask for."""
    gc.disable()
    try:
        for _ in range(times):
            gc.collect()
    finally:
        gc.enable()


@app.task
def hoard(size: int, seconds: float = 0.0) -> None:
    """Hold some memory for a moment, and give it back."""
    held = bytearray(size)
    time.sleep(seconds)
    del held


@app.task
def delegate(seconds: float) -> None:
    """Let a thread and a command compute."""
    thread = threading.Thread(target=burn, args=(seconds,))
    thread.start()
    thread.join()
    spin = f"import time\nend = time.process_time() + {seconds}\nwhile time.process_time() < end: pass"
    subprocess.run([sys.executable, "-S", "-c", spin], check=True)


@app.task
def call(times: int) -> None:
    """Call a Python function that often, and the garbage collector's once in a while."""
    for number in range(times):
        _nothing(number)


def _nothing(number: int) -> None:
    if number % 100 == 0:
        gc.collect()


@app.task(ignore_result=False)
def answer(size: int) -> str:
    """Return a text whose JSON has that many bytes."""
    return "x" * (size - len('""'))


@app.task(autoretry_for=(ConnectionError,), retry_backoff=True, retry_jitter=False, max_retries=5)
def growing() -> None:
    """Retry after 1, 2, 4, 8, 16 seconds."""


@app.task(autoretry_for=(ConnectionError,), retry_backoff=True, max_retries=3)
def jittery() -> None:
    """Retry after random countdowns."""


@app.task(autoretry_for=(ConnectionError,), default_retry_delay=30, max_retries=3)
def steady() -> None:
    """Retry every 30 seconds."""


@app.task(autoretry_for=(ConnectionError,), retry_backoff=300, retry_backoff_max=600, retry_jitter=False)
def patient() -> None:
    """Retry after 300, 600, 600 seconds."""


@app.task(bind=True, max_retries=3)
def choosy(self: Task) -> None:
    """Choose its own countdowns: 5, 60, 7."""
    if self.request.retries < 3:
        raise self.retry(countdown=(5, 60, 7)[self.request.retries])


@app.task
def fragile(fail: bool = False) -> None:
    """Never retry."""
    if fail:
        raise LookupError("the drawer is empty")


@app.task(acks_late=True, reject_on_worker_lost=True)
def safe() -> None:
    """Survive everything."""


@app.task(acks_late=True)
def half_safe() -> None:
    """Survive the death of the worker, but not of its child."""


@app.task
def unsafe() -> None:
    """Be lost in any crash."""


@app.task(acks_late=True, reject_on_worker_lost=True, soft_time_limit=200, time_limit=300)
def limited() -> None:
    """Be ended if it hangs."""


@app.task
def seep(size: int, seconds: float) -> None:
    """Hold some memory for ever, and wait for a while."""
    _seeped.append(b"x" * size)
    time.sleep(seconds)


_seeped: list[bytes] = []


@app.task
def nap(seconds: float) -> None:
    """Wait for a while."""
    time.sleep(seconds)


@app.task
def silent() -> None:
    """Store no result."""


class Counting(Task):  # type: ignore[misc]
    """A task class with a call of its own."""

    abstract = True
    calls: ClassVar[list[str]] = []

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Count, then go on as every task."""
        self.calls.append(self.name)
        return super().__call__(*args, **kwargs)


@app.task(base=Counting)
def counted() -> int:
    """Return how often it was called in this process."""
    return len(Counting.calls)


@app.task
def total(numbers: list[int]) -> int:
    """Add up, for a chord."""
    return sum(numbers)


@app.task
def die() -> None:
    """Take the whole worker along."""
    os.kill(os.getppid(), signal.SIGKILL)
    signal.pause()


@app.task
def misrouted() -> None:
    """Go to a queue that nobody consumes."""


@app.task
def urgent() -> None:
    """Be important; with Redis a low number is served first."""


@app.task
def relaxed() -> None:
    """Be unimportant."""


@shared_task(bind=True)
def whereabouts(self: Task) -> None:
    """Do nothing; its record tells where."""


@app.task(autoretry_for=(ConnectionError,), default_retry_delay=7200, max_retries=1)
def much_later() -> None:
    """Retry after two hours."""


@app.task(acks_late=True, reject_on_worker_lost=True, retry_on_worker_lost=True, max_retries=2)
def bounded() -> None:
    """Be tried again after a crash, but not for ever."""


@app.task(autoretry_for=(TimeoutError,), default_retry_delay=30, max_retries=1)
def reach(port: int) -> None:
    """Connect to somebody, at the second attempt if not at the first."""
    socket.create_connection(("127.0.0.1", port)).close()
