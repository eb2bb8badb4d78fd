"""Who is running: the process table, and how to end a group of processes with all their descendants.

Standard library only. Linux answers from /proc; elsewhere ``ps`` does, without start times and marks.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Collection, Iterator
from dataclasses import dataclass

MARK = "CELERY_PERF_GUARD"
"""The environment variable that marks a process, and all that it starts, as one of ours."""

_PATIENCE_S = 10.0
_PAUSE_S = 0.002


@dataclass(frozen=True, slots=True, kw_only=True)
class Process:
    """A line of the process table."""

    pid: int
    parent: int
    group: int
    session: int
    started: int | None
    """Clock ticks since boot; with the pid it identifies a process for ever. None where it is unknown."""


def start_time(pid: int) -> int | None:
    """Return when a process was started, in clock ticks since boot.

    Returns:
        None if there is no such process, or the platform does not tell.
    """
    process = _read(pid)
    return process.started if process else None


def is_running(pid: int) -> bool:
    """Tell whether a process has this number and has not ended."""
    return any(process.pid == pid for process in _table())


def is_asleep(pid: int) -> bool:
    """Tell whether each thread of a process waits for something to happen, not for a core or the disk.

    Returns:
        True also where the platform does not tell.

    Source: as of `_read`; S is an interruptible sleep.
    """
    try:
        threads = os.listdir(f"/proc/{pid}/task")  # noqa: PTH208 - like `_proc`, for speed
    except OSError:
        return True
    # A thread that has ended meanwhile has no state.
    return all(_proc(pid, f"task/{each}/stat").rpartition(b")")[2].split()[:1] in ([b"S"], []) for each in threads)


class Newcomers:
    """Tells of each process once: to look for new ones costs much less than to read all.

    Source:
        proc_loadavg(5): the last field is the number that was given away last. As long as it is the same, nobody came.
    """

    def __init__(self) -> None:
        self._known: set[int] = set()
        self._latest = b""
        self._told_by_kernel = bool(_proc(os.getpid(), "stat"))

    def look(self) -> list[Process]:
        """Return the processes that are there now and were not the last time, in the order of their numbers."""
        if not self._told_by_kernel:
            found = {process.pid: process for process in _table()}
            new = [found[pid] for pid in sorted(found.keys() - self._known)]
            self._known = set(found)
            return new
        latest = _read_file("/proc/loadavg").rpartition(b" ")[2]
        if latest == self._latest:
            return []
        self._latest = latest
        present = {int(name) for name in os.listdir("/proc") if name.isdigit()}  # noqa: PTH208 - like `_proc`, for speed
        new = [process for pid in sorted(present - self._known) if (process := _read(pid))]
        self._known = present
        return new


def signal_group(group: int, number: int) -> None:
    """Send a signal to a process group, which need not exist any longer.

    Args:
        group: Its id; the caller vouches that it is still the one it means.
        number: The signal.

    Source:
        Where only zombies are left of a group, XNU says EPERM, Linux nothing:
        https://github.com/cylc/cylc-flow/pull/4221, https://github.com/airspeed-velocity/asv/pull/304
    """
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, number)


def kill_groups(groups: Collection[int], mark: str | None = None) -> None:
    """SIGKILL process groups with everything that belongs to them, and wait until it is gone.

    That is: the processes of these groups and of the sessions of the same number, those that carry
    the mark, and the descendants of all of them, though they may have left the group. It looks
    again until nothing is found, since a process may fork while it is being looked for; after ten
    seconds it gives up on what the kernel does not let go. A zombie counts as gone. Those of a group go at one blow:
    a main process that outlives its children even shortly deals with their deaths.

    Args:
        groups: Process group ids; the caller vouches that they are still the ones it means.
        mark: Value of the environment variable `MARK` (seen on Linux only).
    """
    deadline = time.monotonic() + _PATIENCE_S
    while (victims := _victims(groups, mark)) and time.monotonic() < deadline:
        for group in groups:
            signal_group(group, signal.SIGKILL)
        for pid in victims:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(_PAUSE_S)


def _victims(groups: Collection[int], mark: str | None) -> set[int]:
    table = {process.pid: process for process in _table()}
    victims = {
        process.pid
        for process in table.values()
        if process.group in groups or process.session in groups or (mark and _marked(process.pid, mark))
    }
    while offspring := {p.pid for p in table.values() if p.parent in victims} - victims:
        victims |= offspring
    return victims - {os.getpid()}


def _marked(pid: int, mark: str) -> bool:
    environment = _proc(pid, "environ")  # nothing if it is another user's
    return f"{MARK}={mark}".encode() in environment.split(b"\0")


def _table() -> Iterator[Process]:
    """Yield every living process; a zombie has nothing left to end."""
    if _proc(os.getpid(), "stat"):
        for name in os.listdir("/proc"):  # noqa: PTH208 - like `_proc`, for speed
            if name.isdigit() and (process := _read(int(name))):
                yield process
    else:
        command = ["ps", "-A", "-o", "pid=,ppid=,pgid=,stat="]
        for line in subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines():
            pid, parent, group, state = line.split()
            if not state.startswith("Z"):
                yield Process(pid=int(pid), parent=int(parent), group=int(group), session=int(group), started=None)


def _read(pid: int) -> Process | None:
    """Read a process from /proc.

    Source: proc_pid_stat(5): state, ppid, pgrp and session are fields 3 to 6, starttime is field 22;
    the command in field 2 is in brackets and may hold anything.
    """
    fields = _proc(pid, "stat").rpartition(b")")[2].split()
    if not fields or fields[0] in b"ZX":
        return None
    return Process(
        pid=pid, parent=int(fields[1]), group=int(fields[2]), session=int(fields[3]), started=int(fields[19])
    )


def _proc(pid: int, file: str) -> bytes:
    """Return what the kernel tells of a process; nothing where it does not."""
    return _read_file(f"/proc/{pid}/{file}")


def _read_file(path: str) -> bytes:
    try:
        with open(path, "rb") as told:  # noqa: PTH123 - for speed: it is called for every process
            return told.read()
    except OSError:
        return b""
