"""The memory of the process that runs an execution: before, after, and at its highest in between.

The kernel keeps the highest value that the resident set of a process ever had, and forgets it when asked. So a peak is
seen however short it was, and nobody has to look again and again.

Source:
    ``proc_pid_clear_refs(5)``: 5 resets the peak resident set size, ``VmHWM`` in ``/proc/self/status``. Linux counts
    resident pages for each processor and adds them up from time to time: figures are true to a few hundred KiB.
    macOS keeps a peak too, but does not forget it: there nothing is told.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_celery_perf.probe.pools import OWN_PROCESS
from pytest_celery_perf.probe.readings import Memory

if TYPE_CHECKING:
    from pytest_celery_perf.probe.attempt import RunningAttempt

POOLS = OWN_PROCESS

_FORGET_THE_PEAK = b"5"
_BYTES_PER_KB = 1024  # what the kernel prints as kB


def begin(_: RunningAttempt) -> _Reading:
    """See `Instrument.begin`."""
    return _Reading()


class _Reading:
    def __init__(self) -> None:
        self._forgot = _forget_the_peak()
        self._before = _resident()

    def end(self) -> list[Memory] | None:
        after = _resident()
        if self._before is None or after is None:
            return None
        return [Memory(self._before.now_bytes, after.now_bytes, after.peak_bytes if self._forgot else None)]


class _Resident:
    """The resident set of this process."""

    __slots__ = ("now_bytes", "peak_bytes")

    def __init__(self, now_bytes: int, peak_bytes: int) -> None:
        self.now_bytes = now_bytes
        self.peak_bytes = peak_bytes


def _forget_the_peak() -> bool:
    """Let the kernel begin anew with the peak; False where it does not do that, or not for this process."""
    try:
        with open("/proc/self/clear_refs", "wb", buffering=0) as file:
            file.write(_FORGET_THE_PEAK)
    except OSError:
        return False
    return True


def _resident() -> _Resident | None:
    """Ask the kernel; None where it does not tell."""
    try:
        with open("/proc/self/status", "rb", buffering=0) as file:
            status = file.read()
    except OSError:
        return None
    return _Resident(_kb(status, b"\nVmRSS:") * _BYTES_PER_KB, _kb(status, b"\nVmHWM:") * _BYTES_PER_KB)


def _kb(status: bytes, field: bytes) -> int:
    begin = status.index(field) + len(field)
    return int(status[begin : status.index(b" kB", begin)])
