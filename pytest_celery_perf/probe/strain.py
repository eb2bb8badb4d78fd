"""Takes a process to the limits that are set to it."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

_PIECE = b"\1" * (1 << 24)
_LIMITS = ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes")
_UNLIMITED_BYTES = 1 << 60


def exhaust_memory() -> None:
    """Take memory until the kernel kills the process, inside a container with a limit only.

    Raises:
        RuntimeError: There is no limit: the machine's memory would be taken.
    """
    if not _is_limited():
        raise RuntimeError("the memory of this process has no limit of its own; nothing was taken")
    hoard = []
    while True:
        hoard.append(bytearray(_PIECE))  # copied, since pages that nobody has written to are not there yet


def _is_limited() -> bool:
    for path in _LIMITS:
        try:
            with open(path) as file:
                limit = file.read().strip()
        except OSError:
            continue
        if limit.isdigit() and int(limit) < _UNLIMITED_BYTES:
            return True
    return False


def seem_large() -> None:
    """Have this child process be recycled after its task, as if it had used more than ``--max-memory-per-child``.

    Source:
        ``Worker.workloop`` in billiard/pool.py asks this function after each task, if there is a limit.
    """
    pool: Any = sys.modules["billiard.pool"]
    pool.mem_rss = lambda: sys.maxsize


def deafen() -> None:
    """Have this process not notice its soft time limit, as if it hung in a library that is not Python's."""
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR1})


STRAINS: Mapping[str, Callable[[], None]] = MappingProxyType(
    {"deafen": deafen, "exhaust-memory": exhaust_memory, "recycle": seem_large}
)
"""By what an order does."""
