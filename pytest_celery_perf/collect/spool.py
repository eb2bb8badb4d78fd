"""Follows the record files of all processes and wakes up when one of them rings."""

from __future__ import annotations

import os
import select
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from pytest_celery_perf.errors import SpoolError
from pytest_celery_perf.probe import wire
from pytest_celery_perf.probe.lines import decode

QUIET_S = 0.002
"""How long a burst of records is let come together before it is read: waking up for each of
20,000 tasks would take a tenth of the machine from the workers."""
SOONEST_END_S = 20e-6
"""A task takes longer than this from anybody's workers: until so many ends can have come, a burst may last."""
FALLBACK_S = 0.05
"""How often to look without a ring: a FIFO does not cross into a virtual machine."""


@dataclass(slots=True)
class _Tail:
    path: Path
    offset: int = 0
    """Where the first line begins that was not read yet."""
    seen: int = 0
    """Up to where it was looked at; in between is a line that is still being written."""


@dataclass(frozen=True, slots=True)
class SpooledRecord:
    """A record and the process that wrote it."""

    file: str
    """Tells processes apart; numbers in `wire.Statement` and `wire.Stack` count per file."""
    record: wire.Record


class Spool:
    """The reading end of all record files of a test session.

    Args:
        directory: Where the files are, or will be, in subdirectories, one a worker.
        doorbell: The FIFO that wakes the reader.
    """

    def __init__(self, directory: Path, doorbell: Path) -> None:
        self.directory = directory
        self._bell = os.open(doorbell, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
        self._poll = select.poll()
        self._poll.register(self._bell, select.POLLIN)
        self._tails: dict[str, _Tail] = {}
        self._closed: set[str] = set()

    def read(self) -> Iterator[SpooledRecord]:
        """Yield what was written since the last call, in order for each process.

        Raises:
            SpoolError: A file holds something that no probe writes.
        """
        for tail in self._find():
            yield from self._read(tail)

    def _find(self) -> list[_Tail]:
        for name in _listed(self.directory):
            folder = self.directory / name
            if name in self._closed or not folder.is_dir():
                continue
            for entry in _listed(folder):
                path = f"{folder}{os.sep}{entry}"
                if path not in self._tails and entry.endswith(".jsonl"):
                    self._tails[path] = _Tail(Path(path))
        return list(self._tails.values())

    def _read(self, tail: _Tail) -> Iterator[SpooledRecord]:
        size = tail.path.stat().st_size
        if size <= tail.seen:
            return
        # A number, no file object, for the same reason as in `_listed`.
        file = os.open(tail.path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            chunk = os.pread(file, size - tail.offset, tail.offset)
        finally:
            os.close(file)
        *lines, rest = chunk.split(b"\n")
        for line in lines:
            try:
                record = decode(line)
            except ValueError as error:
                raise SpoolError(tail.path, tail.offset, str(error)) from None
            tail.offset += len(line) + 1
            yield SpooledRecord(str(tail.path), record)
        tail.seen = tail.offset + len(rest)

    def forget(self, boot: str) -> None:
        """Stop following the files of a worker that has ended and was read to its end."""
        self._closed.add(boot)
        folder = str(self.directory / boot) + os.sep
        for path in [path for path in self._tails if path.startswith(folder)]:
            del self._tails[path]

    def wait(self, timeout_s: float, *others: int, ends: int = 1) -> None:
        """Return when a process has rung, a descriptor is readable, or the time is over.

        Args:
            timeout_s: Seconds; zero or less returns at once.
            others: Descriptors that are worth waking up for as well.
            ends: How many tasks must end before anything is decided.
        """
        for descriptor in others:
            self._poll.register(descriptor, select.POLLIN)
        try:
            woken = self._poll.poll(max(0.0, min(timeout_s, FALLBACK_S)) * 1000)
        finally:
            for descriptor in others:
                self._poll.unregister(descriptor)
        if any(descriptor == self._bell for descriptor, _ in woken):
            time.sleep(min(max(QUIET_S, ends * SOONEST_END_S), FALLBACK_S))
            self._silence()

    def _silence(self) -> None:
        try:
            while len(os.read(self._bell, 65536)) == 65536:
                pass
        except BlockingIOError:
            pass

    def close(self) -> None:
        """Release the descriptors; the files stay."""
        os.close(self._bell)


def _listed(folder: Path) -> list[str]:
    """List a folder without an iterator, as `Path.iterdir` has one since Python 3.13.

    Ctrl-C would leave that open, which is a warning, and an error to those who take warnings for errors.
    """
    return os.listdir(folder)  # noqa: PTH208 - see above
