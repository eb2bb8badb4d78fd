"""In which formats the results of a test run can be written."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from pytest_celery_perf.errors import ConfigurationError


class FormatName(StrEnum):
    """The formats, as a user names them; ``report.formats`` has a module for each."""

    JSON = "json"
    """Our own, which holds everything."""
    PYTEST_BENCHMARK = "pytest-benchmark"
    GITHUB_BENCHMARK_SMALLER = "github-benchmark-smaller"
    """github-action-benchmark's ``customSmallerIsBetter``."""
    GITHUB_BENCHMARK_BIGGER = "github-benchmark-bigger"
    """github-action-benchmark's ``customBiggerIsBetter``."""
    BENCHER = "bencher"
    """Bencher Metric Format."""
    GITHUB_SUMMARY = "github-summary"
    """Markdown, for the summary of a step."""
    GITHUB_ANNOTATIONS = "github-annotations"
    """Workflow commands, to be printed."""
    GITLAB_METRICS = "gitlab-metrics"
    """OpenMetrics, for ``artifacts:reports:metrics``."""
    GITLAB_CODEQUALITY = "gitlab-codequality"
    """Findings, for ``artifacts:reports:codequality``."""


NEEDS_NO_FILE = (FormatName.GITHUB_SUMMARY, FormatName.GITHUB_ANNOTATIONS)
"""Formats that have a place of their own: the step's summary, the terminal."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportFile:
    """A report that is asked for."""

    format: FormatName
    path: Path | None
    """None: the place that the format has of its own."""
    option: str
    """What asks for it, for the message of an error."""


def report_file(value: str, what: str) -> ReportFile:
    """Read ``FORMAT:FILE``.

    Args:
        value: A format and a path; the path may be left out where the format needs none.
        what: The setting with its source.

    Raises:
        ConfigurationError: There is no such format, or it needs a file.
    """
    name, _, path = value.partition(":")
    if name not in [*FormatName]:
        raise ConfigurationError(f"{what}: {name!r} in {value!r} is none of the formats {', '.join(FormatName)}")
    if not path and name not in NEEDS_NO_FILE:
        raise ConfigurationError(f"{what}: {value!r} names no file: write {name}:FILE")
    return ReportFile(
        format=FormatName(name), path=Path(path).absolute() if path else None, option=f"{what}: {value!r}"
    )
