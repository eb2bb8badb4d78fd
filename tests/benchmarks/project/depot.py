"""A task of AsyncTasQ that does nothing but say when it did; its worker is ``python -m asynctasq worker``."""

from __future__ import annotations

import os
import struct
import time

from asynctasq import task

STAMP = struct.Struct("=Qq")
"""The number of a task, and when it ended: CLOCK_MONOTONIC in nanoseconds."""

_stamps = os.open(os.environ["DEPOT_STAMPS"], os.O_WRONLY | os.O_CREAT | os.O_APPEND)


@task
async def nothing(number: int) -> None:
    """Do nothing."""
    os.write(_stamps, STAMP.pack(number, time.monotonic_ns()))
