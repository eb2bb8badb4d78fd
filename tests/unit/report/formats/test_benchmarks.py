"""The formats of stores of benchmarks hold the figures of tests that passed, and their readers read them."""

from __future__ import annotations

import json
import re
import statistics
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft7Validator

from pytest_celery_perf.model.metric import Direction
from pytest_celery_perf.report.formats.bencher import bencher
from pytest_celery_perf.report.formats.figures import tracked
from pytest_celery_perf.report.formats.github_benchmark import bigger_is_better, smaller_is_better
from pytest_celery_perf.report.formats.pytest_benchmark import pytest_benchmark

from .reports import AWKWARD, CHARGE, EMPTY, PAY, REPORT

FAILED = replace(PAY, outcome="failed")


def test_a_test_that_failed_gives_no_figures_to_be_compared_with() -> None:
    assert [*tracked(replace(REPORT, tests=(PAY,)), Direction.LOWER)]
    failed = replace(REPORT, tests=(FAILED,))
    assert [*tracked(failed, Direction.LOWER), *tracked(failed, Direction.HIGHER)] == []
    assert json.loads(pytest_benchmark(failed))["benchmarks"] == []


# -- pytest-benchmark ------------------------------------------------------------------------


def compare(*files: Path) -> str:
    command = [sys.executable, "-m", "pytest_benchmark", "compare", *map(str, files), "--name=long", "--sort=fullname"]
    process = subprocess.run(command, cwd=files[0].parent, capture_output=True, text=True, check=False)
    assert process.returncode == 0, process.stdout + process.stderr
    assert "Failed to load" not in process.stdout + process.stderr
    return process.stdout


def test_pytest_benchmark_compares_two_runs(tmp_path: Path) -> None:
    slower = replace(PAY, history=replace(PAY.history, executions=PAY.history.executions[10:]))
    files = tmp_path / "a.json", tmp_path / "b.json"
    for file, test in zip(files, (PAY, slower), strict=True):
        file.write_text(pytest_benchmark(replace(REPORT, tests=(test,))))
    table = compare(*files)
    assert "benchmark: 2 tests" in table
    first, second = (line for line in table.splitlines() if line.startswith(AWKWARD))
    cells = re.split(r"\s{2,}", first)
    assert cells[0].startswith(f"{AWKWARD} {CHARGE} (")
    assert "10.0000 (1.0)" in first
    assert "20.0000 (2.00)" in second, "the fastest of the slower run took twice as long"
    assert first.rstrip().endswith("20           1")


def test_the_figures_are_those_that_pytest_benchmark_computes_itself() -> None:
    from pytest_benchmark.stats import Stats

    (benchmark,) = json.loads(pytest_benchmark(REPORT))["benchmarks"]
    ours = benchmark["stats"]
    theirs = Stats()
    for sample in ours["data"]:
        theirs.update(sample)
    assert set(ours) == {*theirs.as_dict(), "data", "iterations"}
    for name in ("min", "max", "mean", "stddev", "rounds", "median", "ops", "total", "outliers", "stddev_outliers"):
        assert ours[name] == pytest.approx(getattr(theirs, name)) if name != "outliers" else theirs.outliers
    assert ours["q1"] <= ours["median"] <= ours["q3"]
    assert statistics.median(ours["data"]) == ours["median"]


def test_a_single_execution_is_a_round() -> None:
    once = replace(PAY, history=replace(PAY.history, executions=PAY.history.executions[:1]))
    (benchmark,) = json.loads(pytest_benchmark(replace(REPORT, tests=(once,))))["benchmarks"]
    assert (benchmark["stats"]["rounds"], benchmark["stats"]["stddev"], benchmark["stats"]["iqr"]) == (1, 0, 0)


# -- github-action-benchmark -----------------------------------------------------------------

DOCUMENTED = {
    "type": "array",
    "minItems": 1,
    "items": {
        "type": "object",
        "required": ["name", "unit", "value"],
        "properties": {
            "name": {"type": "string", "minLength": 1},
            "unit": {"type": "string", "minLength": 1},
            "value": {"type": "number"},
            "range": {"type": "string"},
            "extra": {"type": "string"},
        },
        "additionalProperties": False,
    },
}
"""Source: github-action-benchmark's README ("customBiggerIsBetter"), and `BenchmarkResult` in its `src/extract.ts`."""


def entries(text: str) -> dict[str, dict[str, Any]]:
    data = json.loads(text)
    Draft7Validator(DOCUMENTED).validate(data)
    found = {each["name"]: each for each in data}
    assert len(found) == len(data), "a name is a line of a chart"
    return found


def test_figures_go_by_direction() -> None:
    small, big = entries(smaller_is_better(REPORT)), entries(bigger_is_better(REPORT))
    runtime = small[f"{AWKWARD} {CHARGE}: runtime median"]
    assert (runtime["unit"], runtime["value"]) == ("s", pytest.approx(0.0195))
    assert runtime["range"] == "10ms to 29ms"
    assert big[f"{AWKWARD} all tasks: throughput"]["value"] == 45.5
    assert not small.keys() & big.keys()
    assert not any(name.endswith("runtime max") for name in small)


def test_how_many_failed_is_a_figure_too() -> None:
    assert entries(smaller_is_better(REPORT))["failed tests"]["value"] == 5
    assert entries(bigger_is_better(REPORT))["passed tests"]["value"] == 2
    assert entries(smaller_is_better(EMPTY))["failed tests"]["value"] == 0


# -- Bencher ---------------------------------------------------------------------------------

BMF = {
    "$schema": "http://json-schema.org/draft-07/schema",
    "type": "object",
    "propertyNames": {"minLength": 1, "maxLength": 1024},
    "additionalProperties": {
        "type": "object",
        "propertyNames": {"pattern": "^[a-z0-9]+(-[a-z0-9]+)*$", "maxLength": 64},
        "additionalProperties": {
            "type": "object",
            "properties": {name: {"type": "number"} for name in ("value", "lower_value", "upper_value")},
            "additionalProperties": False,
            "required": ["value"],
        },
    },
}
"""Source: Bencher, "Bencher Metric Format (BMF)": its schema, with the lengths of its text and the form of slugs."""


def measures(text: str) -> dict[str, dict[str, dict[str, float]]]:
    data = json.loads(text)
    Draft7Validator(BMF).validate(data)
    return dict(data)


def test_a_benchmark_has_the_measures_of_its_task() -> None:
    found = measures(bencher(REPORT))
    assert found["celery-perf"] == {"failed-tests": {"value": 5}}
    charge = found[f"{AWKWARD} {CHARGE}"]
    expected = {"value": 19.5e6, "lower_value": 10e6, "upper_value": 29e6}
    assert charge["latency"] == pytest.approx(expected), "Bencher's own measure, in nanoseconds"
    assert charge["failed"] == {"value": 1}
    assert found[f"{AWKWARD} shop.tasks.mail"]["memory-peak-max-bytes"] == {"value": 4 << 20}
    assert found[f"{AWKWARD} all tasks"]["throughput"] == {"value": 45.5}


def test_long_names_are_cut_and_stay_apart() -> None:
    long = [replace(PAY, nodeid=f"{'a' * 2000}{number}") for number in range(2)]
    found = measures(bencher(replace(REPORT, tests=tuple(long))))
    assert len([name for name in found if name.startswith("aaa")]) == 6
