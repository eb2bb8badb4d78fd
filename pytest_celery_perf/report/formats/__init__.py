"""The results of a test run as other programs read them: a module a format, each a pure function of the report."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from pytest_celery_perf.model.formats import FormatName
from pytest_celery_perf.report.formats.bencher import bencher
from pytest_celery_perf.report.formats.github_annotations import github_annotations
from pytest_celery_perf.report.formats.github_benchmark import bigger_is_better, smaller_is_better
from pytest_celery_perf.report.formats.github_summary import github_summary
from pytest_celery_perf.report.formats.gitlab_codequality import gitlab_codequality
from pytest_celery_perf.report.formats.gitlab_metrics import gitlab_metrics
from pytest_celery_perf.report.formats.pytest_benchmark import pytest_benchmark
from pytest_celery_perf.report.json import Report, dump

Format = Callable[[Report], str]
"""Writes a report as text, which ends with a newline unless it is empty."""

FORMATS: Mapping[FormatName, Format] = MappingProxyType(
    {
        FormatName.JSON: dump,
        FormatName.PYTEST_BENCHMARK: pytest_benchmark,
        FormatName.GITHUB_BENCHMARK_SMALLER: smaller_is_better,
        FormatName.GITHUB_BENCHMARK_BIGGER: bigger_is_better,
        FormatName.BENCHER: bencher,
        FormatName.GITHUB_SUMMARY: github_summary,
        FormatName.GITHUB_ANNOTATIONS: github_annotations,
        FormatName.GITLAB_METRICS: gitlab_metrics,
        FormatName.GITLAB_CODEQUALITY: gitlab_codequality,
    }
)
"""Every format by its name."""
