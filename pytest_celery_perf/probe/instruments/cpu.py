"""The CPU time of all that works for an execution: the threads of its process, and the commands that it runs.

The record of every execution has the CPU time of the thread that runs it; this adds the others, where a process runs
one execution at a time. A command counts once the task has waited for its end.

Source:
    ``getrusage(2)``: ``RUSAGE_CHILDREN`` is the CPU time of the children that have ended and have been waited for.
"""

from __future__ import annotations

import resource
import time
from typing import TYPE_CHECKING

from pytest_celery_perf.probe.pools import OWN_PROCESS
from pytest_celery_perf.probe.readings import Cpu

if TYPE_CHECKING:
    from pytest_celery_perf.probe.attempt import RunningAttempt

POOLS = OWN_PROCESS

_NS_PER_S = 1_000_000_000


def begin(attempt: RunningAttempt) -> _Reading:
    """See `Instrument.begin`."""
    reading = _Reading()
    attempt.body_readings += (reading,)
    return reading


class _Reading:
    def __init__(self) -> None:
        self._ran = False
        self._process_ns = self._commands_ns = 0

    def begin_body(self) -> None:
        self._commands_ns = -_commands_ns()
        self._process_ns = -time.process_time_ns()

    def end_body(self) -> None:
        self._process_ns += time.process_time_ns()
        self._commands_ns += _commands_ns()
        self._ran = True

    def end(self) -> list[Cpu] | None:
        return [Cpu(self._process_ns, self._commands_ns)] if self._ran else None


def _commands_ns() -> int:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return round((usage.ru_utime + usage.ru_stime) * _NS_PER_S)
