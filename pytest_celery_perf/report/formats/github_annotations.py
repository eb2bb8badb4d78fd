"""Workflow commands by which GitHub Actions shows findings beside the lines of a change.

Source: GitHub, "Workflow commands for GitHub Actions"; the escapes are those of ``command.ts`` in actions/toolkit. A
step shows ten annotations of each level and drops the others.
"""

from __future__ import annotations

from collections.abc import Iterator

from pytest_celery_perf.report.formats.findings import Finding, Severity, findings
from pytest_celery_perf.report.glyphs import harmless
from pytest_celery_perf.report.json import Report

_AT_MOST = 10
"""Of a level; if there are more, the last one tells how many."""
_LEVELS = {
    "error": (Severity.UNRELIABLE, Severity.FAILED),
    "warning": (Severity.UNDECIDED,),
    "notice": (Severity.CHANGED,),
}
_MESSAGE_LINES = 20
"""A box beside a line of code shows no more with any use; the log and the summary have all."""


def github_annotations(report: Report) -> str:
    """Write a line for each finding, the worst first; at most ten errors, ten warnings and ten notices.

    Args:
        report: A test run.
    """
    every = findings(report)
    return "".join(
        f"{line}\n"
        for level, severities in _LEVELS.items()
        for line in _lines(level, [each for each in every if each.severity in severities])
    )


def _lines(level: str, told: list[Finding]) -> Iterator[str]:
    shown = told if len(told) <= _AT_MOST else told[: _AT_MOST - 1]
    yield from (_command(level, finding) for finding in shown)
    if rest := told[len(shown) :]:
        tests = len(dict.fromkeys(each.test for each in rest))
        words = f"{len(rest)} more in {tests} {'test' if tests == 1 else 'tests'}: see the log, or the step's summary"
        yield f"::{level} title=celery-perf::{_escaped(words)}"


def _command(level: str, finding: Finding) -> str:
    place = {"file": finding.path, "line": str(finding.line)} if finding.path else {}
    properties = {**place, "title": finding.title}
    told = ",".join(f"{name}={_escaped_property(value)}" for name, value in properties.items())
    lines = [finding.test, *finding.details]
    if more := lines[_MESSAGE_LINES:]:
        lines = [*lines[:_MESSAGE_LINES], f"… {len(more)} more lines"]
    message = _escaped("\n".join(lines))
    return f"::{level} {told}::{message}"


def _escaped(text: str) -> str:
    return harmless(text).replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _escaped_property(text: str) -> str:
    return _escaped(text).replace(":", "%3A").replace(",", "%2C")
