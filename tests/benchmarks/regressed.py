"""Repositories for the gate; in that of the example project every task can be made worse by a stated share."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from pytest_celery_perf.model.gate import GateReport
from pytest_celery_perf.report.json import load

EXAMPLE = Path(__file__).parents[2] / "example_project"
_TASKS = Path("judge", "tasks.py")
_DECORATED = re.compile(r"^(@shared_task\(.*?\)\n)(?=def )", re.MULTILINE | re.DOTALL)
_COMMIT = ("git", "-c", "user.name=bench", "-c", "user.email=bench@localhost", "commit", "--quiet", "--message=base")

KINDS = {
    "sleep": "time.sleep(SHARE * taken_s)",
    "cpu": "compute(SHARE * taken_s)",
    "memory": "_ = bytearray(b'x') * int(SHARE * resident_bytes())",
}
"""What every task does besides, once its own function has returned."""
_WORSE = """

import functools  # noqa: E402
import time  # noqa: E402

SHARE = {share}


def compute(seconds: float) -> None:
    end = time.thread_time() + seconds
    while time.thread_time() < end:
        pass


def resident_bytes() -> int:
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * 4096


def worse(function):
    @functools.wraps(function)
    def run(*args, **kwargs):
        began_s = time.perf_counter()
        try:
            return function(*args, **kwargs)
        finally:
            taken_s = time.perf_counter() - began_s
            {kind}

    return run


"""


class Repository:
    """A project under version control, with one commit.

    Args:
        folder: Where it is.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for command in (("git", "init", "--quiet"), ("git", "add", "."), _COMMIT):
            subprocess.run(command, cwd=folder, check=True)

    def compare(self, tests: Sequence[str], *options: str) -> GateReport:
        """Compare the checkout with the last commit.

        Args:
            tests: What pytest is to run.
            options: Further ones of pytest.

        Raises:
            RuntimeError: pytest has neither passed nor failed, or compared nothing.
        """
        file = self.folder.parent / "report.json"
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--celery-perf-base=HEAD"]
        command += [f"--celery-perf-json={file}", "--celery-perf-json-detail=aggregates", *options, *tests]
        process = subprocess.run(command, cwd=self.folder, capture_output=True, text=True, check=False)
        gate = load(file.read_text(encoding="utf-8")).gate if process.returncode in {0, 1} else None
        if gate is None:
            raise RuntimeError(
                f"{' '.join(command)} ended with {process.returncode}:\n{process.stdout}{process.stderr}"
            )
        return gate


class Example(Repository):
    """A copy of the example project.

    Args:
        folder: Where it is made; must not exist.
    """

    def __init__(self, folder: Path) -> None:
        ignored = shutil.ignore_patterns("__pycache__", ".*_cache", "db.sqlite3*")
        super().__init__(Path(shutil.copytree(EXAMPLE, folder, ignore=ignored)))
        self._tasks = (self.folder / _TASKS).read_text(encoding="utf-8")

    def worsen(self, kind: str, share: float) -> None:
        """Make every task worse than in the last commit.

        Args:
            kind: One of `KINDS`.
            share: Of its runtime, or of the memory of its process.
        """
        text = _DECORATED.sub(r"\1@worse\n", self._tasks)
        place = text.index("\n@shared_task")
        text = text[:place] + _WORSE.format(share=share, kind=KINDS[kind]) + text[place:]
        (self.folder / _TASKS).write_text(text, encoding="utf-8")

    def mend(self) -> None:
        """Make every task what it is in the last commit."""
        (self.folder / _TASKS).write_text(self._tasks, encoding="utf-8")
