"""Lets somebody outside see where a process is in its code, even one that is stuck in C."""

from __future__ import annotations

import faulthandler
import os
import signal

STACK_SIGNAL = signal.SIGRTMIN + 5 if hasattr(signal, "SIGRTMIN") else None
"""Celery itself uses SIGUSR1 (soft time limit) and SIGUSR2 (debugger)."""

_answering = 0


def stack_path(spool: str, pid: int) -> str:
    """Return the file that a process writes its stacks to; if it exists, the signal is safe to send."""
    return os.path.join(spool, "stacks", str(pid))


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
    os.makedirs(os.path.dirname(path), exist_ok=True)
    # Open for good: the handler writes to the descriptor whenever the signal comes.
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o644)
    faulthandler.register(STACK_SIGNAL, file=file)
