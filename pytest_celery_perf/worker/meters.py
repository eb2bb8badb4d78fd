"""Reads what a process uses, as cheaply as the machine allows.

A look at the memory of a process by /proc costs 2 µs, since its file stays open; psutil, which is there where /proc is
not, takes twenty times that. Who looks every 20 ms finds all caches cold, where each call of Python counts for ten: so
what is told is kept as it is, and read later.
"""

from __future__ import annotations

import contextlib
import os
import sys
import time
from collections.abc import Iterable
from functools import partial
from pathlib import Path
from typing import Protocol

_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE") if hasattr(os, "sysconf") else 4096
_TICK_NS = 1_000_000_000 // os.sysconf("SC_CLK_TCK") if hasattr(os, "sysconf") else 10_000_000
_KIB = 1024
_READ = os.O_RDONLY | os.O_CLOEXEC


class Meter(Protocol):
    """Reads what one process uses, or one container."""

    source: str
    """See `model.samples.WorkerSamples`."""
    pid: int

    def tell(self) -> bytes:
        """Tell its memory in the platform's own words, which are the same as long as the memory is.

        Raises:
            OSError: It is gone, and the platform says so.
        """

    def rss_bytes(self, told: bytes) -> int | None:
        """Return the resident memory that `tell` told of; None of one that is gone.

        Args:
            told: Nothing, if it could not be told.
        """

    def cpu_ns(self) -> int | None:
        """Return the CPU time so far; None once it is gone."""

    def uss_bytes(self) -> int | None:
        """Return the memory that would be free if it ended; None where nobody knows."""

    def peak_bytes(self) -> int | None:
        """Return the most resident memory since this meter was made; None where nobody knows."""

    def close(self) -> None:
        """Let go of it."""


def meter_of(pid: int, *, young: bool = False) -> Meter | None:
    """Return what reads a process; None if there is none, or it may not be looked at.

    Args:
        pid: The process.
        young: Whether it has come into being since the test began.
    """
    try:
        return ProcMeter(pid, young=young) if sys.platform == "linux" else PsutilMeter(pid)
    except OSError:
        return None


def open_all(files: Iterable[Path]) -> list[int]:
    """Open files to read; none stays open if one cannot be opened, such as when the process ends meanwhile.

    Args:
        files: Which.

    Returns:
        Their descriptors.

    Raises:
        OSError: One cannot be opened.
    """
    with contextlib.ExitStack() as opened:
        descriptors = []
        for file in files:
            descriptors.append(os.open(file, _READ))
            opened.callback(os.close, descriptors[-1])
        opened.pop_all()
        return descriptors


class ProcMeter:
    """Reads a process of Linux.

    Args:
        pid: The process.
        young: Whether it has come into being since the test began.

    Raises:
        OSError: There is none.

    Source:
        proc_pid_statm(5): the second field is the resident set, in pages. clock_getcpuclockid(3) and
        include/linux/posix-timers.h: the clock of a process counts the CPU time of all its threads, in nanoseconds.
        proc_pid_stat(5): fields 16 and 17, cutime and cstime, are of children that it has waited for.
        proc_pid_clear_refs(5): writing 5 resets the peak, VmHWM of proc_pid_status(5), to the current value.
    """

    source = "proc"

    def __init__(self, pid: int, *, young: bool = False) -> None:
        self.pid = pid
        self._clock = (~pid << 3) | 2
        # To open a file costs more than to read it.
        names = ("statm", "stat", "status")
        self._statm, self._stat, self._status = open_all(Path(f"/proc/{pid}/{name}") for name in names)
        self.tell = partial(os.pread, self._statm, 128, 0)
        self._peak_before: int | None = None
        if young:
            return  # all of its peak is the test's, and an execution in it may be about to ask for that
        self._peak_before = self._high_water_bytes()
        with contextlib.suppress(OSError):  # of another user: then a peak is only known if it is a new one
            Path(f"/proc/{pid}/clear_refs").write_text("5")
            self._peak_before = None

    def rss_bytes(self, told: bytes) -> int | None:
        """See `Meter.rss_bytes`. One that has ended, but that nobody has waited for, has none."""
        return int(told.split()[1]) * _PAGE_BYTES or None if told else None

    def cpu_ns(self) -> int | None:
        """Add up what it has used, and those of its children that have ended."""
        try:
            ended = os.pread(self._stat, 1024, 0).rpartition(b")")[2].split()[13:15]
            return time.clock_gettime_ns(self._clock) + sum(map(int, ended)) * _TICK_NS
        except OSError:
            return None

    def uss_bytes(self) -> int | None:
        """Add up the private pages; see proc_pid_smaps(5)."""
        try:
            lines = Path(f"/proc/{self.pid}/smaps_rollup").read_bytes().splitlines()
        except OSError:
            return None
        private = [int(line.split()[1]) for line in lines if line.startswith((b"Private_Clean", b"Private_Dirty"))]
        return sum(private) * _KIB if private else None

    def peak_bytes(self) -> int | None:
        """See `Meter.peak_bytes`."""
        peak = self._high_water_bytes()
        known = peak is not None and (self._peak_before is None or peak > self._peak_before)
        return peak if known else None

    def _high_water_bytes(self) -> int | None:
        try:
            mark = os.pread(self._status, 4096, 0).partition(b"VmHWM:")[2]
        except OSError:
            return None
        return int(mark.split(maxsplit=1)[0]) * _KIB if mark else None

    def close(self) -> None:
        """Close its files."""
        for file in (self._statm, self._stat, self._status):
            os.close(file)


class PsutilMeter:
    """Reads a process of any platform.

    Args:
        pid: The process.

    Raises:
        OSError: There is none, or it may not be looked at.
    """

    source = "psutil"

    def __init__(self, pid: int) -> None:
        import psutil

        self.pid = pid
        self._gone = (psutil.NoSuchProcess, psutil.AccessDenied)
        try:
            self._process = psutil.Process(pid)
        except self._gone as error:
            raise ProcessLookupError(str(error)) from None

    def tell(self) -> bytes:
        """See `Meter.tell`."""
        try:
            return b"%d" % self._process.memory_info().rss
        except self._gone as error:
            raise ProcessLookupError(str(error)) from None

    def rss_bytes(self, told: bytes) -> int | None:
        """See `Meter.rss_bytes`."""
        return int(told) if told else None

    def cpu_ns(self) -> int | None:
        """See `Meter.cpu_ns`."""
        try:
            times = self._process.cpu_times()
        except self._gone:
            return None
        return int((times.user + times.system) * 1e9)

    def uss_bytes(self) -> int | None:
        """See `Meter.uss_bytes`."""
        try:
            return int(self._process.memory_full_info().uss)
        except self._gone:
            return None

    def peak_bytes(self) -> int | None:
        """Return None: what the platform keeps, if anything, is since the process began."""
        return None

    def close(self) -> None:
        """Do nothing: it keeps nothing open."""
