"""A Celery app without Django, whose tasks tell a test about the process that runs them.

What they tell goes through a FIFO that the test has made: writing waits for a reader, reading for a writer.
"""

from __future__ import annotations

import gc
import json
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

from celery import Celery

app = Celery("plain", broker="redis://app.invalid:1/0")
app.conf.task_ignore_result = True
imported_as = [Path(sys.argv[0]).name, *sys.argv[1:4]]
imported_by = os.getpid()


@app.task
def tell(fifo: str, text: str) -> None:
    """Write down a text."""
    Path(fifo).write_text(f"{text}\n")


@app.task
def describe(fifo: str) -> None:
    """Tell what differs, or must not differ, with the way the worker was started."""
    seen = {
        "imported_as": imported_as,
        "options": sys.argv[4:],
        "cwd": str(Path.cwd()),
        "cwd_on_path": str(Path.cwd()) in sys.path,
        "path": sys.path,
        "home": os.environ.get("HOME"),
        "extra": os.environ.get("CELERY_PERF_EXTRA"),
        "parent_variable": os.environ.get("CELERY_PERF_PARENT"),
        "current_app": app.current_task.app.main if app.current_task else None,
        "threads": [thread.name for thread in threading.enumerate()],
        "stdin": str(Path("/proc/self/fd/0").readlink()),
        "frozen": gc.get_freeze_count(),
        "configured": app.conf.worker_prefetch_multiplier,
    }
    tell(fifo, json.dumps(seen))


@app.task
def origin(fifo: str) -> None:
    """Tell which process imported the app, and which runs the task."""
    tell(fifo, f"{imported_by} {os.getpid()}")


@app.task
def breed(fifo: str) -> None:
    """Start two processes, one in a session of its own, and stay."""
    command = [sys.executable, "-S", "-c", "import signal; signal.pause()"]
    children = [subprocess.Popen(command, start_new_session=apart) for apart in (False, True)]
    tell(fifo, " ".join(str(pid) for pid in (os.getpid(), *(child.pid for child in children))))
    time.sleep(300)
