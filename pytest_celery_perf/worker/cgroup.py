"""Reads what a container uses, by its control group."""

from __future__ import annotations

import contextlib
import os
from functools import partial
from pathlib import Path
from typing import NamedTuple

from pytest_celery_perf.worker.meters import open_all


class CgroupFiles(NamedTuple):
    """Where the kernel tells what a container uses."""

    memory: Path
    peak: Path
    cpu: Path

    @classmethod
    def of(
        cls, pid: int, container: str, *, proc: Path = Path("/proc"), root: Path = Path("/sys/fs/cgroup")
    ) -> CgroupFiles | None:
        """Find them.

        Args:
            pid: The container's main process.
            container: Its id, which is in the paths: a process of that number may be another one, of another machine.
            proc: Where the kernel tells of processes.
            root: Where its control groups are.

        Returns:
            None where there are none, such as beside an engine in a virtual machine.

        Source:
            cgroups(7), ``/proc/pid/cgroup``: hierarchy, controllers and path, the latter below the controller's mount
            point; of version 2 hierarchy 0 and no controllers.
        """
        try:
            lines = (proc / str(pid) / "cgroup").read_text().splitlines()
        except OSError:
            return None
        paths = {
            name: path.lstrip("/")
            for line in lines
            for _, names, path in [line.split(":", 2)]
            for name in names.split(",")
        }
        found = None
        if container in paths.get("memory", ""):
            memory, cpu = root / "memory" / paths["memory"], root / "cpuacct" / paths.get("cpuacct", "")
            found = cls(memory / "memory.usage_in_bytes", memory / "memory.max_usage_in_bytes", cpu / "cpuacct.usage")
        elif container in paths.get("", ""):
            folder = root / paths[""]
            found = cls(folder / "memory.current", folder / "memory.peak", folder / "cpu.stat")
        return found if found is not None and found.memory.exists() and found.cpu.exists() else None


class CgroupMeter:
    """Reads a container by its control group.

    Args:
        pid: Its main process.
        files: Where to read.

    Source:
        docs.kernel.org, Control Group v2: ``memory.current``, ``memory.peak`` (a write resets it for whoever wrote,
        since Linux 6.12), ``cpu.stat`` with ``usage_usec``; v1: ``memory.max_usage_in_bytes`` (a write resets it),
        ``cpuacct.usage`` in nanoseconds.
    """

    source = "cgroup"

    def __init__(self, pid: int, files: CgroupFiles) -> None:
        self.pid = pid
        self._memory, self._cpu = open_all((files.memory, files.cpu))
        self.tell = partial(os.pread, self._memory, 64, 0)
        self._peak: int | None = None
        self._peak_before: int | None = None
        with contextlib.suppress(OSError):  # before Linux 5.19, version 2 has no such file
            self._peak = os.open(files.peak, os.O_RDONLY | os.O_CLOEXEC)
            self._peak_before = _number(self._peak)
        with contextlib.suppress(OSError):  # it cannot be reset: then a peak is only known if it is a new one
            writable = os.open(files.peak, os.O_RDWR | os.O_CLOEXEC)
            if self._peak is not None:
                os.close(self._peak)
            self._peak = writable
            os.write(writable, b"0")
            self._peak_before = None

    def rss_bytes(self, told: bytes) -> int | None:
        """Return what the group is charged with."""
        return int(told) if told else None

    def cpu_ns(self) -> int | None:
        """See `Meter.cpu_ns`."""
        try:
            told = os.pread(self._cpu, 256, 0).split()
        except OSError:
            return None
        return int(told[0]) if len(told) == 1 else int(told[told.index(b"usage_usec") + 1]) * 1000

    def uss_bytes(self) -> int | None:
        """Return None: what its processes share with others is not known here."""
        return None

    def peak_bytes(self) -> int | None:
        """See `Meter.peak_bytes`."""
        if self._peak is None:
            return None
        try:
            peak = _number(self._peak)
        except OSError:
            return None
        return peak if self._peak_before is None or peak > self._peak_before else None

    def close(self) -> None:
        """Close its files."""
        for file in (self._memory, self._cpu, self._peak):
            if file is not None:
                os.close(file)


def _number(file: int) -> int:
    return int(os.pread(file, 64, 0))
