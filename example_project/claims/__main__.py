"""Runs the tests that prove the claims, and prints the table: ``python -m claims > CLAIMS.md``.

Options that it does not know go to pytest: ``python -m claims tests/records``.
"""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from collections.abc import Sequence
from contextlib import redirect_stdout
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from claims.evidence import Ruling, findings, said
from claims.table import markdown
from pytest_celery_perf.report.json import load


def main(arguments: Sequence[str]) -> int:
    """Run the tests and print the table.

    Args:
        arguments: Of the command line.

    Returns:
        The exit status: 0 if no test failed.
    """
    parser = ArgumentParser(prog="python -m claims", description="Which claims hold, as a run of the tests measures.")
    parser.add_argument("--also", type=Path, help="a file with what tests.benchmarks.bench_scenario_d says")
    known, others = parser.parse_known_args(arguments)
    with TemporaryDirectory() as folder:
        path = Path(folder) / "report.json"
        with redirect_stdout(sys.stderr):
            status = pytest.main(["-m", "claim", f"--celery-perf-json={path}", *others])
        if status not in {pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED}:
            return int(status)
        report = load(path.read_text(encoding="utf-8"))
    found = findings(report, said(known.also.read_text(encoding="utf-8")) if known.also else {})
    sys.stdout.write(markdown(found, report))
    return int(any(finding.ruling is Ruling.BROKEN for finding in found))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
