"""Runs the tests that prove the claims, and prints the table: ``python -m claims > CLAIMS.md``.

What stands behind it goes to pytest: ``python -m claims tests/records``.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from contextlib import redirect_stdout
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from claims.evidence import Ruling, findings
from claims.table import markdown
from pytest_celery_perf.report.json import load


def main(arguments: Sequence[str]) -> int:
    """Run the tests and print the table.

    Args:
        arguments: For pytest.

    Returns:
        The exit status: 0 if no test failed.
    """
    with TemporaryDirectory() as folder:
        path = Path(folder) / "report.json"
        with redirect_stdout(sys.stderr):
            status = pytest.main(["-m", "claim", f"--celery-perf-json={path}", *arguments])
        if status not in {pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED}:
            return int(status)
        report = load(path.read_text(encoding="utf-8"))
    found = findings(report)
    sys.stdout.write(markdown(found, report))
    return int(any(finding.ruling is Ruling.BROKEN for finding in found))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
