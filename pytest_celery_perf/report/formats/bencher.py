"""Bencher Metric Format, for ``bencher run --adapter json --file``.

Source: Bencher's reference of the format: benchmark to measure to ``value``, ``lower_value`` and ``upper_value``. Names
of benchmarks have at most 1024 characters, slugs of measures 64. ``latency`` (nanoseconds) and ``throughput``
(operations a second) are measures that each project has; Bencher makes the others, so their slugs name their units.
"""

from __future__ import annotations

import json
import re
from hashlib import sha256

from pytest_celery_perf.model.metric import Direction, Unit
from pytest_celery_perf.report.formats.figures import RUNTIME, Figure, tracked
from pytest_celery_perf.report.formats.findings import failed_tests
from pytest_celery_perf.report.json import Report

_LONGEST_NAME, _LONGEST_SLUG = 1024, 64
_NS_PER_S = 1e9
_LATENCY, _THROUGHPUT = "latency", "throughput"
_SUFFIXES = {Unit.SECONDS: "seconds", Unit.BYTES: "bytes", Unit.RATE: "per-second", Unit.SHARE: "share", Unit.COUNT: ""}


def bencher(report: Report) -> str:
    """Write the figures of the tests that passed, a benchmark for each task of a test; and how many tests failed.

    Args:
        report: A test run.
    """
    benchmarks: dict[str, dict[str, dict[str, float]]] = {
        "celery-perf": {"failed-tests": {"value": len(failed_tests(report))}}
    }
    for figure in (*tracked(report, Direction.LOWER), *tracked(report, Direction.HIGHER)):
        name = _shortened(f"{figure.test} {figure.of}", _LONGEST_NAME)
        benchmarks.setdefault(name, {})[_slug(figure)] = _measure(figure)
    return json.dumps(benchmarks, indent=1, allow_nan=False) + "\n"


def _measure(figure: Figure) -> dict[str, float]:
    factor = _NS_PER_S if _slug(figure) == _LATENCY else 1
    known = {"value": figure.value, "lower_value": figure.low, "upper_value": figure.high}
    return {name: value * factor for name, value in known.items() if value is not None}


def _slug(figure: Figure) -> str:
    if figure.metric is RUNTIME and figure.statistic == "median":
        return _LATENCY
    if figure.metric.name == _THROUGHPUT:
        return _THROUGHPUT
    words = f"{figure.name} {_SUFFIXES[figure.metric.unit]}".lower()
    return _shortened(re.sub(r"[^a-z0-9]+", "-", words).strip("-"), _LONGEST_SLUG)


def _shortened(name: str, longest: int) -> str:
    """Cut a name, and mark it so that no other becomes the same."""
    if len(name) <= longest:
        return name
    mark = f"-{sha256(name.encode()).hexdigest()[:12]}"
    return name[: longest - len(mark)] + mark
