"""Lets a test that judges times have the machine to itself, among parallel pytest processes."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def turn(lock: Path | None, *, alone: bool) -> Iterator[None]:
    """Wait for one's turn: alone, or together with all others that need not be alone.

    Args:
        lock: A file that the processes share; None if there are no others.
        alone: Whether the others must wait meanwhile.
    """
    if lock is None:
        yield
        return
    descriptor = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX if alone else fcntl.LOCK_SH)
        yield
    finally:
        os.close(descriptor)
