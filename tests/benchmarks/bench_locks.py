"""What it costs a suite to be held to a lock file: the instruments in the workers, the comparison, the verdicts."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from pytest_celery_perf.baseline.lock import dumps, path_of, read
from pytest_celery_perf.model.lock import Lock
from tests.benchmarks.measuring import run
from tests.benchmarks.rows import Row
from tests.benchmarks.workbench import PROJECT

ROUNDS = 7
TESTS = 40
SUITE = "locked.py"


def main() -> list[Row]:
    with TemporaryDirectory() as directory:
        project = Path(shutil.copytree(PROJECT, Path(directory) / "project"))
        lock = path_of(project / SUITE)

        def session(*arguments: str) -> tuple[float, float]:
            options = ["-c", "pytest.ini", "--celery-perf-broker=process"]
            return run([sys.executable, "-m", "pytest", *options, *arguments], project)

        # All tests do the same: to find out what that is, one of them is enough.
        session("--celery-perf-update", f"{SUITE}::test_count[0]")
        one = read(lock)
        facts = one.tests["test_count[0]"]
        every = Lock(databases=one.databases, tests={f"test_count[{number}]": facts for number in range(TESTS)})
        text = dumps(every, SUITE)

        def measured(*, locked: bool) -> tuple[float, float]:
            if locked:
                lock.write_text(text, encoding="utf-8")
                return session("--celery-perf-strict", SUITE)
            lock.unlink(missing_ok=True)
            return session(SUITE)

        figures: dict[bool, list[tuple[float, float]]] = {True: [], False: []}
        for number in range(ROUNDS):
            for locked in (True, False) if number % 2 else (False, True):
                figures[locked].append(measured(locked=locked))
    work = f"of a suite of {TESTS} tests with 20 tasks of 10 queries, held to a lock file; reference: not"
    return [
        Row(
            work=f"{name} {work}",
            ours=median(session[figure] for session in figures[True]),
            reference=median(session[figure] for session in figures[False]),
            unit="s",
            goal=1.05,
        )
        for figure, name in enumerate(("time", "CPU time"))
    ]
