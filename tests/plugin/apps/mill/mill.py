"""A Celery app whose tasks take what `amounts` says."""

from __future__ import annotations

import time

import amounts
from celery import Celery

app = Celery("mill", broker="redis://app.invalid:1/0")
app.conf.update(task_ignore_result=True)


def burn(seconds: float) -> None:
    """Compute."""
    end = time.thread_time() + seconds
    while time.thread_time() < end:
        pass


@app.task
def grind() -> None:
    """Compute for as long as is said."""
    burn(amounts.GRIND_S)


@app.task
def hoard() -> None:
    """Hold as much memory as is said."""
    held = bytearray(b"x") * amounts.HOARD_BYTES
    burn(0.002)
    del held


@app.task
def clean() -> None:
    """Do the same, whatever is said."""
    burn(0.004)


@app.task
def fail() -> None:
    """Fail, if that is said."""
    if amounts.FAILS:
        raise ValueError("the mill is broken")
