"""Findings for GitLab's ``artifacts:reports:codequality``.

Source: GitLab, "Code Quality", "Code Quality report format": each has ``description``, ``check_name``, ``fingerprint``,
``severity``, ``location.path`` (relative, without ``./``) and ``location.lines.begin``.
"""

from __future__ import annotations

import json
from collections import Counter
from hashlib import sha256

from pytest_celery_perf.report.formats.findings import Finding, Severity, findings
from pytest_celery_perf.report.json import Report

_SEVERITIES = {
    Severity.UNRELIABLE: "critical",
    Severity.FAILED: "major",
    Severity.UNDECIDED: "minor",
    Severity.CHANGED: "info",
}


def gitlab_codequality(report: Report) -> str:
    """Write all findings, the worst first.

    A fingerprint is made of test, marker, task and broken figures, and of no value or line: GitLab then knows it again
    in the next run, and shows what a merge request brings and what it resolves.

    Args:
        report: A test run.
    """
    seen: Counter[str] = Counter()
    issues = []
    for finding in findings(report):
        identity = f"{finding.test}\0{finding.rule}\0{finding.subject}"
        seen[identity] += 1
        issues.append(
            {
                "description": f"{finding.title} ({finding.test})",
                "check_name": finding.rule,
                "fingerprint": sha256(f"{identity}\0{seen[identity]}".encode()).hexdigest(),
                "severity": _SEVERITIES[finding.severity],
                "location": {"path": _path(finding), "lines": {"begin": max(1, finding.line)}},
            }
        )
    return json.dumps(issues, indent=1) + "\n"


def _path(finding: Finding) -> str:
    """Return the file; where no line of the repository is known, that of the test, as pytest names it."""
    return finding.path or finding.test.partition("::")[0]
