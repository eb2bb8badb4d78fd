"""The directory of one run: made for us alone, locked while we live, swept by the next run if we were killed."""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import secrets
import shutil
import stat
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from pytest_celery_perf.errors import CeleryPerfError
from pytest_celery_perf.probe.processes import memory_beside

_RUN = re.compile(r"run-[0-9a-f]{12}")
_LOCK = "lock"


@dataclass(frozen=True, slots=True, kw_only=True)
class RunDirectory:
    """A directory of mode 0700 under ``<tmp>/pytest-celery-perf-<uid>/``, alive as long as its lock is held.

    A run takes the lock of its directory and the kernel releases it however the process ends,
    so a directory whose lock can be taken belongs to nobody. The lock of the parent directory
    covers the moment between making a directory and locking it.
    """

    path: Path
    run_id: str
    """Twelve hexadecimal digits, unique to this run."""
    lock_fd: int

    @classmethod
    def create(cls, parent: Path | None = None) -> RunDirectory:
        """Sweep what killed runs left behind and make a directory for this one.

        Args:
            parent: Where run directories live; the user's own folder in the temporary directory by default.

        Returns:
            The directory, with its folders and its ``doorbell``.

        Raises:
            CeleryPerfError: The parent directory belongs to somebody else.
        """
        parent = _private(parent or Path(tempfile.gettempdir()) / f"pytest-celery-perf-{os.getuid()}")
        with _locked(parent / ".lock"):
            orphans = list(_orphans(parent))
            run_id = secrets.token_hex(6)
            path = parent / f"run-{run_id}"
            path.mkdir(mode=0o700)
            lock_fd = _lock(path / _LOCK, wait=True)
        for orphan, orphan_fd in orphans:
            shutil.rmtree(orphan, ignore_errors=True)
            os.close(orphan_fd)
        run = cls(path=path, run_id=run_id, lock_fd=lock_fd)
        for folder in (run.spool, run.faults, run.databases, run.memory):
            folder.mkdir(mode=0o700)
        os.mkfifo(run.doorbell, mode=0o600)
        return run

    @property
    def spool(self) -> Path:
        """Where the probes write their records."""
        return self.path / "spool"

    @property
    def faults(self) -> Path:
        """Where the workers agree on who carries out a fault."""
        return self.path / "faults"

    @property
    def databases(self) -> Path:
        """SQLite's test databases."""
        return self.path / "databases"

    @property
    def memory(self) -> Path:
        """The files of the memory that the processes of a worker share; see `probe.processes.memory_beside`."""
        return Path(memory_beside(str(self.doorbell)))

    @property
    def doorbell(self) -> Path:
        """The FIFO by which the probes wake the reader."""
        return self.path / "doorbell"

    def remove(self) -> None:
        """Remove the directory and let go of its lock; call it once."""
        shutil.rmtree(self.path, ignore_errors=True)
        os.close(self.lock_fd)


def _private(directory: Path) -> Path:
    """Make a directory that only this user can enter, or check that it is one.

    In a shared temporary directory anybody may have made the name first.
    """
    with contextlib.suppress(FileExistsError):
        directory.mkdir(mode=0o700, parents=True)
    found = directory.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid():
        raise CeleryPerfError(
            f"{directory} is not a directory of user {os.getuid()}: remove it, or set TMPDIR to a directory of yours"
        )
    directory.chmod(0o700)
    return directory


def _orphans(parent: Path) -> Iterator[tuple[Path, int]]:
    """Yield the run directories that nobody lives in, each with its lock, now ours."""
    for path in parent.iterdir():
        if _RUN.fullmatch(path.name) and path.is_dir() and not path.is_symlink():
            with contextlib.suppress(OSError):  # locked by its run, or just being removed
                yield path, _lock(path / _LOCK, wait=False)


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[None]:
    fd = _lock(path, wait=True)
    try:
        yield
    finally:
        os.close(fd)


def _lock(path: Path, *, wait: bool) -> int:
    """Open a file and lock it.

    Raises:
        BlockingIOError: Somebody else holds the lock, and ``wait`` is false.
    """
    fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except OSError:
        os.close(fd)
        raise
    return fd
