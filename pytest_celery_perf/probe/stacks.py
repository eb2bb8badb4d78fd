"""Lets somebody outside see where a process is in its code, even one that is stuck in C."""

from __future__ import annotations

import faulthandler
import gc
import os
import signal
import sys
from collections.abc import Iterator
from types import FrameType
from typing import Any

from pytest_celery_perf.probe import context

STACK_SIGNAL = signal.SIGRTMIN + 5 if hasattr(signal, "SIGRTMIN") else None
"""Celery itself uses SIGUSR1 (soft time limit) and SIGUSR2 (debugger)."""

_answering = 0


def stacks_in(spool: str) -> str:
    """Return the directory of the files that the processes of a worker write their stacks to."""
    return os.path.join(spool, "stacks")


def stack_path(spool: str, pid: int) -> str:
    """Return the file that a process writes its stacks to; if it exists, the signal is safe to send."""
    return os.path.join(stacks_in(spool), str(pid))


def greenlets_path(spool: str, pid: int) -> str:
    """Return the file that a process writes the stacks of its tasks' greenlets to; if there is none, it has none."""
    return f"{stack_path(spool, pid)}.greenlets"


def greenlet_heading(task_id: str) -> str:
    """Return the line above the stack of a greenlet that works for a task."""
    return f"Greenlet of task {task_id} (most recent call first):"


def answer(spool: str) -> None:
    """Have this process write the stacks of its threads to a file when it gets `STACK_SIGNAL`.

    Source:
        ``faulthandler.register``: the handler is C code, so it answers whatever Python does.
    """
    global _answering
    if STACK_SIGNAL is None or _answering == os.getpid():
        return
    _answering = os.getpid()
    path = stack_path(spool, _answering)
    os.makedirs(stacks_in(spool), exist_ok=True)
    greenlets = context.has_greenlets()
    if greenlets:
        _answer_for_greenlets(greenlets_path(spool, _answering))
    faulthandler.register(STACK_SIGNAL, file=_opened(path), chain=greenlets)


def _opened(path: str) -> int:
    # Open for good: the handler writes to the descriptor whenever the signal comes.
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o644)


def _answer_for_greenlets(path: str) -> None:
    """Have the process write the stacks of the greenlets, too, which only Python can: one that waits is on no thread.

    Source:
        ``gevent`` runs Python's signal handlers in its main thread, that of the hub, also when all greenlets wait.
    """
    file = _opened(path)

    def on_signal(_number: int, frame: FrameType | None) -> None:
        stacks = (_stack_of(greenlet, frame) for greenlet in _greenlets())
        os.write(file, ("\n\n".join(filter(None, stacks)) + "\n").encode())

    signal.signal(STACK_SIGNAL, on_signal)  # type: ignore[arg-type]


def _greenlets() -> Iterator[Any]:
    greenlet = sys.modules["greenlet"].greenlet
    # By their types: `isinstance` would ask lazy objects for their class, and so make them.
    return (each for each in gc.get_objects() if issubclass(type(each), greenlet))


def _stack_of(greenlet: Any, interrupted: FrameType | None) -> str:
    """Describe where a greenlet is, as `faulthandler` does; empty if it works for no task."""
    attempt = context.of_greenlet(greenlet)
    frame = interrupted if greenlet is sys.modules["greenlet"].getcurrent() else greenlet.gr_frame
    if attempt is None or frame is None:
        return ""
    lines = [greenlet_heading(attempt.task_id)]
    while frame is not None:
        code = frame.f_code
        lines.append(f'  File "{code.co_filename}", line {frame.f_lineno} in {code.co_name}')
        frame = frame.f_back
    return "\n".join(lines)
