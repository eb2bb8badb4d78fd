"""Writes the report files, and refuses those that cannot be written before any test runs."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_celery_perf.errors import ConfigurationError
from pytest_celery_perf.model.formats import FormatName, ReportFile

if TYPE_CHECKING:
    from pytest_celery_perf.options import Options
    from pytest_celery_perf.report.json import Report

STEP_SUMMARY = "GITHUB_STEP_SUMMARY"
"""The variable by which GitHub Actions names the file of a step's summary."""


def wanted(options: Options, environment: Mapping[str, str] = os.environ) -> tuple[ReportFile, ...]:
    """Return the report files that are asked for, each in a place that can be written.

    Args:
        options: The settings.
        environment: The environment variables.

    Returns:
        Those with a path; what goes to the terminal is not among them.

    Raises:
        ConfigurationError: There is no place, or it cannot be written; the text names the setting.
    """
    asked = [*options.outputs]
    if options.json is not None:
        asked.append(ReportFile(format=FormatName.JSON, path=options.json, option="celery_perf_json"))
    for each in asked:
        if each.path is not None:
            _check(each.path, each.option)
        elif each.format is FormatName.GITHUB_SUMMARY:
            _check(_summary(each, environment), f"{each.option} ({STEP_SUMMARY})")
    return tuple(each for each in asked if each.format is not FormatName.GITHUB_ANNOTATIONS or each.path)


def annotates(options: Options) -> bool:
    """Whether annotations go to the terminal, where GitHub Actions looks for them."""
    return any(each.format is FormatName.GITHUB_ANNOTATIONS and each.path is None for each in options.outputs)


def write(
    files: Iterable[ReportFile], report: Report, detail: str, environment: Mapping[str, str] = os.environ
) -> None:
    """Write the report files.

    Args:
        files: Those that are `wanted`.
        report: The test run.
        detail: How much our own JSON tells, a `report.json.Mode`.
        environment: The environment variables.
    """
    from pytest_celery_perf.report.formats import FORMATS
    from pytest_celery_perf.report.json import Mode, dump

    for each in files:
        if each.path is None:
            _append_summary(_summary(each, environment), report)
            continue
        text = dump(report, Mode(detail)) if each.format is FormatName.JSON else FORMATS[each.format](report)
        each.path.parent.mkdir(parents=True, exist_ok=True)
        each.path.write_text(text, encoding="utf-8", errors="backslashreplace")


def _append_summary(path: Path, report: Report) -> None:
    """Add to the summary of a step, to which others have written and will, and which has room for so much."""
    from pytest_celery_perf.report.formats.github_summary import LIMIT_BYTES, github_summary

    taken = path.stat().st_size if path.exists() else 0
    with path.open("a", encoding="utf-8", errors="backslashreplace") as file:
        file.write(github_summary(report, LIMIT_BYTES - taken))


def _summary(file: ReportFile, environment: Mapping[str, str]) -> Path:
    if not environment.get(STEP_SUMMARY):
        raise ConfigurationError(
            f"{file.option}: {STEP_SUMMARY} is not set, as it is in a step of GitHub Actions: write {file.format}:FILE"
        )
    return Path(environment[STEP_SUMMARY])


def _check(path: Path, option: str) -> None:
    if path.is_dir():
        raise ConfigurationError(f"{option}: {path} is a directory, not a file")
    there = next(each for each in (path, *path.parents) if each.exists())
    if there != path and not there.is_dir():
        raise ConfigurationError(f"{option}: {path} cannot be written: {there} is no directory")
    if not os.access(there, os.W_OK):
        raise ConfigurationError(f"{option}: {path} cannot be written: this user may not write to {there}")
