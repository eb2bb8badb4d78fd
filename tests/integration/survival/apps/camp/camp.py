"""A Celery app whose task never ends by itself, and leaves a process behind that is deaf to everything but SIGKILL."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

from celery import Celery

if "CAMP_REFUSES" in os.environ:
    raise RuntimeError("the camp refuses")

app = Celery("camp", broker="redis://app.invalid:1/0")
app.conf.update(task_ignore_result=True)

STRAY = """
import os, pathlib, signal, sys
for number in (signal.SIGHUP, signal.SIGINT, signal.SIGTERM):
    signal.signal(number, signal.SIG_IGN)
pathlib.Path(sys.argv[1]).touch()
signal.pause()
"""


@app.task
def add(x: int, y: int) -> int:
    """Return a sum."""
    return x + y


@app.task(acks_late=True)
def occupy(folder: str) -> None:
    """Start a process that leaves everything behind; it says that it is there; then hang."""
    command = [sys.executable, "-S", "-c", STRAY, str(Path(folder, f"busy-{os.getpid()}"))]
    subprocess.Popen(command, start_new_session=True)
    while True:
        signal.pause()
