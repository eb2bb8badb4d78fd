"""A test run as Markdown, for the summary of a step of GitHub Actions (``$GITHUB_STEP_SUMMARY``).

Source: GitHub, "Workflow commands for GitHub Actions", "Adding a job summary": 1 MiB a step, else nothing is shown.
"""

from __future__ import annotations

from collections import Counter

from pytest_celery_perf.model.gate import Comparison, GateReport
from pytest_celery_perf.model.result import TestResult
from pytest_celery_perf.model.summary import TaskRow
from pytest_celery_perf.model.units import format_duration_s
from pytest_celery_perf.model.verdict import Status
from pytest_celery_perf.report.formats.findings import Finding, Severity, failed_tests, findings
from pytest_celery_perf.report.formats.markdown import Part, block, cell, code, fitted, plain, row
from pytest_celery_perf.report.gate import COLUMNS, cells, compared
from pytest_celery_perf.report.json import Report

LIMIT_BYTES = 1 << 20
"""What the summary of a step may hold."""
_LINES = 200
"""Of one finding: a test may say more than anybody reads."""


def github_summary(report: Report, limit_bytes: int = LIMIT_BYTES) -> str:
    """Write what failed, what was compared and what was measured.

    Args:
        report: A test run.
        limit_bytes: How much room there is; what has none is counted in its place.
    """
    every = findings(report)
    failed = [each for each in every if each.severity <= Severity.FAILED]
    others = [each for each in every if each.severity > Severity.FAILED]
    parts = (
        Part(head="\n### Failed\n", items=[_explained(each) for each in failed], what="failures"),
        _comparison(report.gate),
        Part(head="\n### Undecided, new and gone\n\n", items=[_mentioned(each) for each in others], what="findings"),
        _tasks(report),
    )
    return fitted(_top(report), parts, limit_bytes)


def _top(report: Report) -> str:
    failed, total = len(failed_tests(report)), len(report.tests)
    noun = "test" if total == 1 else "tests"
    what = f"{failed} of {total} {noun} failed" if failed else f"{total} {noun}, none failed"
    statuses = Counter(verdict.status for test in report.tests for verdict in test.verdicts)
    told = ", ".join(f"{statuses[status]} {status}" for status in Status if statuses[status])
    environment = " · ".join(f"{plain(name)} {plain(value)}" for name, value in report.environment.items())
    return f"## celery-perf: {what}\n\nVerdicts: {told or 'none'}. {environment}\n"


def _explained(finding: Finding) -> str:
    lines = [*finding.details]
    if more := lines[_LINES:]:
        lines = [*lines[:_LINES], f"… {len(more)} more lines"]
    where = f" ({code(f'{finding.path}:{finding.line}')})" if finding.path else ""
    text = f"\n**✗ {plain(finding.title)}**  \n{code(finding.test)}{where}\n"
    return f"{text}\n{block(lines)}" if lines else text


def _mentioned(finding: Finding) -> str:
    return f"* {plain(finding.title)} ({code(finding.test)})\n"


def _comparison(gate: GateReport | None) -> Part:
    if gate is None:
        return Part(head="", items=(), what="")
    notes = "".join(f"* {plain(note)}\n" for note in gate.notes)
    differences = "".join(
        f"* {plain(name)}: {code(base) or '–'} → {code(head) or '–'}\n"
        for name, (base, head) in gate.differences.items()
    )
    head = (
        f"\n### {plain(gate.head)} compared with {plain(gate.base)}\n\n"
        f"{gate.epochs} epochs in {format_duration_s(gate.duration_s)}.\n\n{notes}{differences}\n"
        + _table_head("test", *(column.title for column in COLUMNS))
    )
    return Part(head=head, items=[_compared(each) for each in compared(gate)], what="comparisons")


def _compared(comparison: Comparison) -> str:
    task, *figures = cells(comparison)
    return row((cell(comparison.test), cell(task), *map(plain, figures)))


def _tasks(report: Report) -> Part:
    head = "\n### Tasks\n\n" + _table_head(
        "test", "task", "runs", "failed", "retries", "queries max", "queue p95", "runtime p50", "runtime p95"
    )
    rows = [_task(test, each) for test in report.tests for each in test.rows]
    return Part(head=head, items=rows, what="rows")


def _task(test: TestResult, task: TaskRow) -> str:
    queries = "–" if task.queries_max is None else str(task.queries_max)
    times = (task.queue_p95_s, task.runtime_p50_s, task.runtime_p95_s)
    counts = (task.executions, task.failed, task.retries)
    return row((cell(test.nodeid), cell(task.name), *map(str, counts), queries, *map(_duration, times)))


def _duration(seconds: float | None) -> str:
    return "–" if seconds is None else format_duration_s(seconds)


def _table_head(*titles: str) -> str:
    return row(titles) + row("---" for _ in titles)
