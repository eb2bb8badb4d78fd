"""A report file as a terminal showed the run that it is of, without the tests' own messages."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from pytest_celery_perf.measure.selection import joined
from pytest_celery_perf.measure.summary import Run
from pytest_celery_perf.model.summary import TaskRow
from pytest_celery_perf.report.gate import gate_lines
from pytest_celery_perf.report.glyphs import fit
from pytest_celery_perf.report.json import Report
from pytest_celery_perf.report.scopes import scope_lines
from pytest_celery_perf.report.stored import machine_text
from pytest_celery_perf.report.terminal import summary_table, verdicts_text


def report_text(report: Report, *, width: int = 100, unicode: bool = True) -> str:
    """Show a test run: the comparison with another version, the tasks, every verdict, why tests failed.

    Args:
        report: The test run.
        width: Columns of the terminal.
        unicode: Whether the reader can see more than ASCII.
    """
    return "\n".join(_lines(report, width, unicode))


def _lines(report: Report, width: int, unicode: bool) -> Iterator[str]:
    failed = [test for test in report.tests if test.outcome == "failed"]
    of_them = f", {len(failed)} of them failed" if failed else ""
    yield fit(f"{report.created}: {len(report.tests)} test{'s' * (len(report.tests) != 1)}{of_them}", unicode=unicode)
    yield fit(machine_text(report.environment), unicode=unicode)
    if report.gate is not None:
        yield ""
        yield from (line.text for line in gate_lines(report.gate, width=width, unicode=unicode))
    yield ""
    verdicts = [verdict for test in report.tests for verdict in test.verdicts]
    yield from (line.text for line in summary_table(_rows(report), verdicts, width=width, unicode=unicode))
    yield from scope_lines(report.tests, unicode=unicode)
    for test in failed:
        yield ""
        told = verdicts_text((verdict for verdict in test.verdicts if verdict.failed), unicode=unicode)
        yield fit(f"{test.nodeid} failed" + ("" if told else f": {test.message}"), unicode=unicode)
        yield from told.splitlines()


def _rows(report: Report) -> tuple[TaskRow, ...]:
    """Return a row for each task; of a report without records, for each task in each test."""
    if any(test.history.executions for test in report.tests):
        return tuple(Run.of(joined([test.history for test in report.tests])).by_task.values())
    return tuple(replace(row, name=f"{row.name} in {test.nodeid}") for test in report.tests for row in test.rows)
