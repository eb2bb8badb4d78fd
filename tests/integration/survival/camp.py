"""Runs pytest on the app beside this file, and finds whatever outlives it."""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from tests.plugin.inner import LEAN

APP = Path(__file__).parent / "apps" / "camp"
DEADLINE_S = 90.0
"""For what takes a second or two on a machine that has nothing else to do."""
_OUTER = re.compile("PYTEST_|COV_|COVERAGE_|CELERY_|DJANGO_SETTINGS_MODULE$|TMPDIR$")
_MARK = "CAMP_TOKEN"
"""A variable that every process of one inner run inherits, and no other process has."""


class Camp:
    """A copy of the app, with a temporary directory of its own.

    Args:
        folder: Where.
    """

    def __init__(self, folder: Path) -> None:
        self.token = secrets.token_hex(16)
        self.folder = folder / "project"
        self.busy = self.folder / "busy"
        self.tmp = folder / "tmp"
        self.output = folder / "output"
        shutil.copytree(APP, self.folder, ignore=shutil.ignore_patterns("__pycache__"))
        self.busy.mkdir()
        self.tmp.mkdir()
        self._started: list[subprocess.Popen[bytes]] = []

    def start(self, *arguments: str, mishap: str = "") -> subprocess.Popen[bytes]:
        """Start pytest in a process group of its own, as a shell does."""
        return self.spawn(sys.executable, "-m", "pytest", *LEAN, "-p", "mishaps", *arguments, mishap=mishap)

    def spawn(self, *command: str, mishap: str = "") -> subprocess.Popen[bytes]:
        """Start a command in a process group of its own."""
        kept = {name: value for name, value in os.environ.items() if not _OUTER.match(name)}
        own = {_MARK: self.token, "TMPDIR": str(self.tmp), "CAMP_FOLDER": str(self.busy), "CAMP_MISHAP": mishap}
        with self.output.open("wb") as output:
            process = subprocess.Popen(
                command,
                cwd=self.folder,
                env={**kept, **own},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self._started.append(process)
        return process

    def run(self, *arguments: str, mishap: str = "") -> int:
        """Run pytest to its end, and return its status."""
        return self.start(*arguments, mishap=mishap).wait(DEADLINE_S)

    def start_busy(self, *arguments: str, tasks: int = 1) -> subprocess.Popen[bytes]:
        """Start pytest and return once so many tasks run."""
        process = self.start(*arguments)
        self.await_tasks(process, tasks)
        return process

    def await_tasks(self, process: subprocess.Popen[bytes], tasks: int = 1) -> None:
        """Return once so many tasks run that a process has started."""
        self.until(lambda: process.poll() is not None or len(self.tasks()) >= tasks, f"{tasks} tasks run")
        assert process.poll() is None, self.said()

    def tasks(self) -> list[Path]:
        """Return a file for each task that has ever run."""
        return list(self.busy.iterdir())

    def processes(self, words: str = "") -> dict[int, str]:
        """Return the command lines of this camp's living processes that hold these words, by process id."""
        return {pid: command for pid, command in _carrying(f"{_MARK}={self.token}") if words in command}

    def directories(self) -> list[Path]:
        """Return the directories of runs."""
        return list(self.tmp.glob("pytest-celery-perf-*/run-*"))

    def strays(self) -> list[Path]:
        """Return what is in the temporary directory beside the runs' folder and pytest's own."""
        return [path for path in self.tmp.iterdir() if not path.name.startswith(("pytest-celery-perf-", "pytest-of-"))]

    def said(self) -> str:
        """Return what pytest has printed."""
        return self.output.read_text(errors="replace")

    def assert_abandoned(self) -> None:
        """Wait until nothing is left; at once where pytest has come to its end in order."""
        self.until(
            lambda: not self.processes() and not self.directories(),
            "nothing is left",
            lambda: f"{self.processes()}\n{self.directories()}",
        )
        assert self.strays() == []

    def until(self, condition: Callable[[], bool], what: str, found: Callable[[], object] = lambda: "") -> None:
        """Wait until a condition holds."""
        deadline_s = time.monotonic() + DEADLINE_S
        while not condition():
            assert time.monotonic() < deadline_s, f"{what}: not within {DEADLINE_S:.0f} s\n{found()}\n{self.said()}"
            time.sleep(0.01)

    def burn(self) -> None:
        """Kill what is left, by its ids, so that a failing test leaves nothing to others."""
        for pid in self.processes():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        for process in self._started:
            process.wait()


def _carrying(variable: str) -> Iterator[tuple[int, str]]:
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                if variable.encode() in (entry / "environ").read_bytes().split(b"\0"):
                    yield int(entry.name), (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode()
            except OSError:  # it has just ended, or is another user's
                continue
