"""The table of all claims, in Markdown."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from claims.catalogue import SYSTEMS
from claims.evidence import Finding, Ruling
from pytest_celery_perf.report.json import Report

SHOWN = 4
"""How many figures a cell holds."""


def markdown(findings: Sequence[Finding], report: Report) -> str:
    """Write the table.

    Args:
        findings: On each claim.
        report: Of the run, for its versions and its time.
    """
    counts = Counter(finding.ruling for finding in findings)
    versions = ", ".join(f"{name} {version}" for name, version in report.environment.items())
    lines = [
        "# Claims",
        "",
        f"Measured {report.created} with {versions}: "
        + ", ".join(f"{counts[ruling]} {ruling}" for ruling in Ruling if counts[ruling])
        + ".",
    ]
    for system, name in SYSTEMS.items():
        lines += ["", f"## {system}. {name}", "", "| | claim | measured | verdict |", "|---|---|---|---|"]
        lines += (_row(finding) for finding in findings if finding.claim.system == system)
    return "\n".join(lines) + "\n"


def _row(finding: Finding) -> str:
    cells = (finding.claim.key, finding.claim.text, _cell(finding.measured), finding.ruling)
    return f"| {' | '.join(cells)} |"


def _cell(texts: Iterable[str]) -> str:
    every = [text.replace("|", "\\|").replace("\n", " ") for text in texts]
    more = [f"… and {len(every) - SHOWN} more"] if len(every) > SHOWN else []
    return "; ".join([*every[:SHOWN], *more]) or "–"
