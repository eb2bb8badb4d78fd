"""``celery-perf show``: tells a report file again, to people or to another program."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_celery_perf.commands.terminal import print_text, read_report

if TYPE_CHECKING:
    from pytest_celery_perf.report.json import Report

TEXT = "text"


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Declare the command."""
    command = commands.add_parser(
        "show",
        help="show a test run again, or write it in another format",
        description="Show what a file of --celery-perf-json holds: the table of tasks, every verdict, the comparison "
        "with another version.",
    )
    command.add_argument("report", metavar="REPORT", type=Path, help="a file of --celery-perf-json")
    command.add_argument(
        "--format", metavar="FORMAT", default=TEXT, help="text (default), or a format of --celery-perf-output"
    )
    command.set_defaults(run=run)


def run(given: argparse.Namespace) -> int:
    """Carry it out.

    Raises:
        ConfigurationError: An argument is wrong.
    """
    from pytest_celery_perf.commands.formats import written

    write = None if given.format == TEXT else written(given.format)
    report = read_report(given.report, "REPORT")
    if write is None:
        print_text(_text, report)
    else:
        sys.stdout.write(write(report))
    return 0


def _text(report: Report, *, width: int, unicode: bool) -> str:
    from pytest_celery_perf.report.again import report_text

    return report_text(report, width=width, unicode=unicode)
