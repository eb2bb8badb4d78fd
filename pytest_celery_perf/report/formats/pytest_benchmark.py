"""The runtimes of tasks as pytest-benchmark stores those of functions: ``pytest-benchmark compare`` reads it.

Source: pytest-benchmark 5.3, ``stats.py`` and ``plugin.py``: what its own JSON holds.
"""

from __future__ import annotations

import json
import statistics
from collections.abc import Sequence
from typing import Any

from pytest_celery_perf.model.result import TestResult
from pytest_celery_perf.report.formats.figures import runtimes_s
from pytest_celery_perf.report.json import Report

_VERSION = "5.3.1"
"""The version of pytest-benchmark whose format this is."""
_FENCE = 1.5
"""How many interquartile ranges beyond a quartile an outlier begins (Tukey)."""


def pytest_benchmark(report: Report) -> str:
    """Write a benchmark for each task of each test that passed; a round is an execution that succeeded.

    As with pytest-benchmark, what failed is left out, so that it cannot become what others are compared with.

    Args:
        report: A test run.
    """
    passed = (test for test in report.tests if test.outcome == "passed")
    benchmarks = [
        _benchmark(test, row.name, samples)
        for test in passed
        for row in test.rows
        if (samples := runtimes_s(test, row.name))
    ]
    environment = report.environment
    data = {
        "machine_info": {
            "system": environment.get("platform", ""),
            "python_version": environment.get("python", ""),
            **environment,
        },
        "commit_info": {"id": "unversioned", "time": None, "author_time": None, "dirty": False, "branch": "(unknown)"},
        "benchmarks": benchmarks,
        "datetime": report.created,
        "version": _VERSION,
    }
    return json.dumps(data, indent=1, allow_nan=False) + "\n"


def _benchmark(test: TestResult, task: str, samples_s: Sequence[float]) -> dict[str, Any]:
    return {
        "group": None,
        "name": f"{test.nodeid.rpartition('::')[2]} {task}",
        "fullname": f"{test.nodeid} {task}",
        "params": None,
        "param": None,
        "extra_info": {"task": task},
        "options": {},
        "stats": _stats(samples_s),
    }


def _stats(samples_s: Sequence[float]) -> dict[str, Any]:
    ordered = sorted(samples_s)
    count, total = len(ordered), sum(ordered)
    mean = statistics.fmean(ordered)
    stddev = statistics.stdev(ordered) if count > 1 else 0.0
    q1, _, q3 = statistics.quantiles(ordered, n=4, method="inclusive") if count > 1 else ordered * 3
    low, high = q1 - _FENCE * (q3 - q1), q3 + _FENCE * (q3 - q1)
    within = [sample for sample in ordered if low <= sample <= high]
    far = sum(abs(sample - mean) > stddev for sample in ordered)
    return {
        "min": ordered[0],
        "max": ordered[-1],
        "mean": mean,
        "stddev": stddev,
        "rounds": count,
        "median": statistics.median(ordered),
        "iqr": q3 - q1,
        "q1": q1,
        "q3": q3,
        "iqr_outliers": count - len(within),
        "stddev_outliers": far,
        "outliers": f"{far};{count - len(within)}",
        "ld15iqr": within[0],
        "hd15iqr": within[-1],
        "ops": count / total if total else 0,
        "total": total,
        "data": [*samples_s],
        "iterations": 1,
    }
