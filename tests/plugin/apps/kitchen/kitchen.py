"""A Celery app whose tasks wait, compute, and get in each other's way."""

from __future__ import annotations

import ctypes
import signal
import time

from celery import Celery

app = Celery("kitchen", broker="redis://app.invalid:1/0")
app.conf.update(task_ignore_result=True, task_routes={"kitchen.*": {"queue": "stove"}})
libc = ctypes.CDLL(None)


@app.task
def wait(seconds: float = 0.1) -> None:
    """Wait for a service, as gevent knows it."""
    time.sleep(seconds)


@app.task
def burn(seconds: float = 0.05) -> None:
    """Compute."""
    end = time.thread_time() + seconds
    while time.thread_time() < end:
        pass


@app.task
def stir(seconds: float = 0.05) -> None:
    """Compute for as long as it waits."""
    burn(seconds)
    time.sleep(seconds)


@app.task
def freeze(seconds: float = 0.05) -> None:
    """Wait in C, as a driver does that gevent cannot patch."""
    libc.usleep(int(seconds * 1e6))


@app.task
def stew(seconds: float = 0.05) -> None:
    """Compute, and then wait in C."""
    burn(seconds)
    freeze(seconds)


@app.task
def alarm() -> None:
    """Do what only a main thread may."""
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    time.sleep(0.01)


@app.task
def serve(table: int, *, wine: bool = False) -> None:
    """Need an argument."""


@app.task(soft_time_limit=20, time_limit=30)
def bounded() -> None:
    """Wait, with limits."""
    time.sleep(0.3)


@app.task
def sip() -> None:
    """Wait for a service, and then for a moment in C."""
    time.sleep(0.3)
    libc.usleep(20_000)
