"""Figures for github-action-benchmark, which draws and compares them from commit to commit.

It takes one direction a file: what shall be small (its tool ``customSmallerIsBetter``), or big
(``customBiggerIsBetter``).

Source: github-action-benchmark's README, and ``extractCustomBenchmarkResult`` in its ``src/extract.ts``: an array of
``name``, ``value``, ``unit``, and optionally ``range`` and ``extra``.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from pytest_celery_perf.model.metric import Direction
from pytest_celery_perf.report.formats.figures import Figure, tracked
from pytest_celery_perf.report.formats.findings import failed_tests
from pytest_celery_perf.report.json import Report


def smaller_is_better(report: Report) -> str:
    """Write the figures that shall be small: those of tests that passed, and how many failed.

    Args:
        report: A test run.
    """
    failed = {"name": "failed tests", "unit": "tests", "value": len(failed_tests(report))}
    return _dump([failed, *_entries(tracked(report, Direction.LOWER))])


def bigger_is_better(report: Report) -> str:
    """Write the figures that shall be big: those of tests that passed, and how many these are.

    Args:
        report: A test run.
    """
    passed = sum(test.outcome == "passed" for test in report.tests)
    return _dump(
        [{"name": "passed tests", "unit": "tests", "value": passed}, *_entries(tracked(report, Direction.HIGHER))]
    )


def _entries(figures: Iterable[Figure]) -> Iterable[dict[str, Any]]:
    for figure in figures:
        entry = {
            "name": f"{figure.test} {figure.of}: {figure.name}",
            "unit": figure.metric.unit.value,
            "value": figure.value,
            "extra": figure.metric.meaning,
        }
        if figure.low is not None and figure.high is not None:
            entry["range"] = f"{figure.metric.format(figure.low)} to {figure.metric.format(figure.high)}"
        yield entry


def _dump(entries: list[dict[str, Any]]) -> str:
    return json.dumps(entries, indent=1, allow_nan=False) + "\n"
