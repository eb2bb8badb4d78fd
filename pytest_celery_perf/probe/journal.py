"""Appends records to the file of this process, so that they survive any death of it."""

from __future__ import annotations

import itertools
import os
import secrets
import sys
import threading
import time
from collections.abc import Hashable
from typing import Any

from pytest_celery_perf.probe import lines, wire


def clock_id() -> str:
    """Identify the monotonic clock of this process.

    Returns:
        Equal texts for processes whose ``time.monotonic_ns`` can be compared.

    Source:
        proc(5), ``/proc/sys/kernel/random/boot_id``; time_namespaces(7): CLOCK_MONOTONIC has one
        offset per boot and time namespace, of which there are none before Linux 5.6.
    """
    try:
        with open("/proc/sys/kernel/random/boot_id") as file:
            boot = file.read().strip()
        return f"{boot}/{_time_namespace()}"
    except OSError:
        return f"{os.uname().nodename}/{sys.platform}" if hasattr(os, "uname") else sys.platform


def _time_namespace() -> str:
    try:
        return os.readlink("/proc/self/ns/time")
    except FileNotFoundError:  # a kernel that has none has one clock
        return "no namespaces"


class Journal:
    """The record file of this process; a forked child gets one of its own.

    Args:
        spool: Directory of the record files; it exists.
        doorbell: FIFO whose reader waits for records.
        boot: Names the start of the worker.
    """

    def __init__(self, spool: str, doorbell: str, boot: str) -> None:
        self.spool = spool
        self.doorbell = doorbell
        self.boot = boot
        self._clock = clock_id()
        self._forget()
        os.register_at_fork(after_in_child=self._forget)

    def _forget(self) -> None:
        # The parent's descriptors stay open in the child: closing them here could close a
        # number that the application has put to another use since.
        self._file = -1
        self._bell = -1
        self._refs: dict[Hashable, int] = {}
        self._numbers = itertools.count()
        self._problems = 0
        self._opening = threading.Lock()

    def open(self) -> None:
        """Begin the file of this process, unless it has one: its first line says since when there is a process."""
        with self._opening:
            if self._file < 0:
                self._file = self._create()

    def _create(self) -> int:
        # Readable by all inside a directory that is the owner's alone: a worker in a container
        # may run as another user than the tests that read what it wrote.
        path = os.path.join(self.spool, f"{os.getpid()}-{secrets.token_hex(4)}.jsonl")
        file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o644)
        # Opened for reading too: a FIFO without a reader refuses a writer, or kills it by SIGPIPE.
        self._bell = os.open(self.doorbell, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
        os.write(
            file, lines.encode(wire.Process(wire.FORMAT, time.monotonic_ns(), self.boot, os.getpid(), self._clock))
        )
        return file

    def write(self, record: wire.Record) -> None:
        """Append one record."""
        if self._file < 0:
            self.open()
        os.write(self._file, lines.encode(record))

    def ring(self) -> None:
        """Wake the reader."""
        try:
            os.write(self._bell, b"\0")
        except OSError:
            # Full: the reader has enough to wake up for. Not open: nothing was written yet.
            pass

    def statement(self, sql: str) -> int:
        """Return the number that stands for a statement, defining it on first use."""
        ref = self._refs.get(sql)
        return self._define(wire.Statement, sql, sql) if ref is None else ref

    def stack(self, frames: tuple[tuple[str, int, str], ...]) -> int:
        """Return the number that stands for a call stack, defining it on first use."""
        ref = self._refs.get(frames)
        return self._define(wire.Stack, frames, list(frames)) if ref is None else ref

    def _define(self, kind: Any, key: Hashable, value: object) -> int:
        ref = next(self._numbers)
        self.write(kind(ref, value))
        self._refs[key] = ref
        return ref

    def problem(self, text: str) -> None:
        """Note that the probe itself went wrong; after twenty it is quiet."""
        self._problems += 1
        if self._problems <= 20:
            self.write(wire.Problem(time.monotonic_ns(), text))
