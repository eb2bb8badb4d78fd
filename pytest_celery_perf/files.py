"""Writes the report files; refuses files and directories that cannot be written before any test runs."""

from __future__ import annotations

import contextlib
import os
import tempfile
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
        ConfigurationError: There is no place, it cannot be written, or two reports want the same one; the text names
            the setting.
    """
    asked = [*options.outputs]
    if options.json is not None:
        asked.append(ReportFile(format=FormatName.JSON, path=options.json, option="celery_perf_json"))
    for each in asked:
        if each.path is not None:
            check(each.path, each.option)
        elif each.format is FormatName.GITHUB_SUMMARY:
            check(_summary(each, environment), f"{each.option} ({STEP_SUMMARY})")
    _check_apart(asked, environment)
    return tuple(each for each in asked if each.format is not FormatName.GITHUB_ANNOTATIONS or each.path)


def _check_apart(asked: Iterable[ReportFile], environment: Mapping[str, str]) -> None:
    """Refuse two reports for one file, of which the second would replace the first."""
    taken: dict[Path, ReportFile] = {}
    for each in asked:
        if each.path is None and each.format is FormatName.GITHUB_ANNOTATIONS:
            continue
        path = Path(os.path.realpath(each.path or _summary(each, environment)))
        other = taken.setdefault(path, each)
        same = (other.format, other.path is None) == (each.format, each.path is None)
        if not same and (path.is_file() or not path.exists()):  # a terminal or a pipe takes both
            raise ConfigurationError(f"{each.option}: {path} is written for {other.option}, too: name another file")


def annotates(options: Options) -> bool:
    """Whether annotations go to the terminal, where GitHub Actions looks for them."""
    return any(each.format is FormatName.GITHUB_ANNOTATIONS and each.path is None for each in options.outputs)


def write(
    files: Iterable[ReportFile], report: Report, detail: str, environment: Mapping[str, str] = os.environ
) -> list[str]:
    """Write the report files.

    Args:
        files: Those that are `wanted`.
        report: The test run.
        detail: How much our own JSON tells, a `report.json.Mode`.
        environment: The environment variables.

    Returns:
        For each that could not be written, why.
    """
    problems = []
    for each in files:
        try:
            _write(each, report, detail, environment)
        except OSError as error:  # the disk is full, or the place has gone since it was checked
            problems.append(f"{each.option}: not written: {error}")
    return problems


def _write(file: ReportFile, report: Report, detail: str, environment: Mapping[str, str]) -> None:
    from pytest_celery_perf.report.formats import FORMATS
    from pytest_celery_perf.report.json import Mode, dump

    if file.path is None:
        _append_summary(_summary(file, environment), report)
        return
    text = dump(report, Mode(detail)) if file.format is FormatName.JSON else FORMATS[file.format](report)
    file.path.parent.mkdir(parents=True, exist_ok=True)
    file.path.write_text(text, encoding="utf-8", errors="backslashreplace")


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


def check(path: Path, option: str, remedy: str = "name another file") -> None:
    """Refuse a file that cannot be written.

    Args:
        path: Where it shall be; what is missing on the way would be made.
        option: The setting that asks for it.
        remedy: What to do instead.

    Raises:
        ConfigurationError: It cannot.
    """
    there = _nearest(path)
    if there == path and path.is_dir():
        raise ConfigurationError(f"{option}: {path} is a directory, not a file")
    _check(path, there, option, remedy, inside=there != path)


def check_folder(path: Path, option: str) -> None:
    """Refuse a directory in which no file can be made.

    Args:
        path: Where it is, or would be made.
        option: The setting that asks for it.

    Raises:
        ConfigurationError: It cannot be written.
    """
    _check(path, _nearest(path), option, "name another directory", inside=True)


def _nearest(path: Path) -> Path:
    """Return what is there of a path; below a directory that this user may not look into, nothing seems to be."""
    return next(each for each in (path, *path.parents) if os.access(each, os.F_OK))


def _check(path: Path, there: Path, option: str, remedy: str, *, inside: bool) -> None:
    if inside and not there.is_dir():
        raise ConfigurationError(f"{option}: {path} cannot be written: {there} is no directory; {remedy}")
    if not os.access(there, os.W_OK | os.X_OK if inside else os.W_OK):
        raise ConfigurationError(f"{option}: {path} cannot be written: this user may not write to {there}; {remedy}")
    try:
        _try(path, there, inside=inside)
    except OSError as error:  # as in /proc, whatever the permissions, or of a name that is too long
        what = f"nothing can be made in {there}" if inside else "it cannot be opened"
        raise ConfigurationError(f"{option}: {path} cannot be written: {what} ({error.strerror}); {remedy}") from None


def _try(path: Path, there: Path, *, inside: bool) -> None:
    """Do what will be done, and leave nothing behind.

    What is made has a name of its own: under pytest-xdist several processes try at once, and what one of them has made
    and takes away again would be in the way of the others.

    Raises:
        OSError: It cannot be done.
    """
    if inside:
        with contextlib.suppress(FileNotFoundError):
            path.lstat()
        with tempfile.TemporaryDirectory(prefix=".celery-perf-", dir=there) as folder:
            (Path(folder) / "file").touch()
    elif there.is_file():  # not a pipe, which waits for who reads it
        there.open("ab").close()
