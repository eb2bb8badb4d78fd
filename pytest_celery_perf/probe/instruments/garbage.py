"""The pauses of Python's garbage collector during an execution.

Source:
    ``gc.callbacks``: called in the thread whose allocation triggered the collection, which is paused by it. On a pool
    with several threads it pauses whoever allocates, so its cause belongs to all of them.
"""

from __future__ import annotations

import gc
import time
from typing import TYPE_CHECKING, Any

from pytest_celery_perf.probe.pools import OWN_PROCESS
from pytest_celery_perf.probe.readings import Garbage

if TYPE_CHECKING:
    from pytest_celery_perf.probe.attempt import RunningAttempt

POOLS = OWN_PROCESS


def begin(_: RunningAttempt) -> _Reading:
    """See `Instrument.begin`."""
    return _Reading()


class _Reading:
    def __init__(self) -> None:
        self._collections = 0
        self._paused_ns = 0
        self._began_ns = 0
        gc.callbacks.append(self._heard)

    def _heard(self, phase: str, _: dict[str, Any]) -> None:
        if phase == "start":
            self._began_ns = time.monotonic_ns()
        elif self._began_ns:
            self._collections += 1
            self._paused_ns += time.monotonic_ns() - self._began_ns

    def end(self) -> list[Garbage]:
        gc.callbacks.remove(self._heard)
        return [Garbage(self._collections, self._paused_ns)]
