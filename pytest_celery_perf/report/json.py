"""The report file (``--celery-perf-json``): everything that is known, for other programs.

``schema.json`` in this package describes it. It follows the model: the keys are the names
of the fields, their units are in the names, times in ``_ns`` are readings of one monotonic
clock and mean something only against each other. What was not measured is null.

History of the schema. A new number means that a reader of the old one may misread the file;
new keys alone do not make one.

    1   2026-11   the first
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from pytest_celery_perf.model.codec import decode, encode
from pytest_celery_perf.model.gate import GateReport
from pytest_celery_perf.model.result import OUTCOMES, TestResult
from pytest_celery_perf.model.settings import Override, Setting, masked

SCHEMA = 1
RECORDS = ("publications", "executions", "points")
"""The parts of a history that grow with the number of tasks."""


class Mode(StrEnum):
    """How much the file tells."""

    AGGREGATES = "aggregates"
    """Verdicts and figures: kilobytes."""
    RECORDS = "records"
    """Every publication and execution too: about a kilobyte each."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """A test run."""

    created: str
    """When, in ISO 8601 with the offset."""
    environment: dict[str, str]
    """Versions and platform: ``pytest_celery_perf``, ``python``, ``celery`` …"""
    settings: tuple[Setting, ...] = ()
    overrides: tuple[Override, ...] = ()
    status: int | None = None
    """pytest's exit status; None if nobody knows."""
    root: str = ""
    """The folder of the repository that the tests are in; other reports name files relative to it."""
    gate: GateReport | None = None
    """The comparison with another version: each epoch and its evidence; None if nothing was compared."""
    tests: tuple[TestResult, ...] = ()


def dump(report: Report, mode: Mode = Mode.RECORDS) -> str:
    """Write a report.

    Args:
        report: A test run.
        mode: How much of it.

    Returns:
        JSON in ASCII (an error message may hold what no encoding can), the keys always in
        the same order, passwords in the URLs of settings hidden.

    Raises:
        ValueError: A figure is infinite or not a number, which JSON cannot say.
    """
    data = {"schema": SCHEMA, "mode": mode.value, **encode(report)}
    for setting in data["settings"]:
        setting["value"] = masked(setting["value"])
    for override in data["overrides"]:
        override["was"] = masked(override["was"])
    if mode is Mode.AGGREGATES:
        for test in data["tests"]:
            test["history"] = {key: value for key, value in test["history"].items() if key not in RECORDS}
            test["journal"] = []
    return json.dumps(data, indent=1, allow_nan=False) + "\n"


def load(text: str) -> Report:
    """Read a report.

    Args:
        text: What `dump` wrote.

    Returns:
        The report. One that holds aggregates only has empty histories.

    Raises:
        ValueError: It is no report, or one of another schema.
    """
    data = json.loads(text)
    schema = data.pop("schema", None) if isinstance(data, dict) else None
    if schema != SCHEMA:
        said = "there is no schema" if schema is None else f"its schema is {schema!r}"
        raise ValueError(f"{said}, and this version of pytest-celery-perf reads {SCHEMA}")
    if "tests" not in data:
        raise ValueError("it has no tests, not even an empty list of them")
    if data.pop("mode", None) == Mode.AGGREGATES:
        for test in data["tests"]:
            _add_records(test["history"])
    report = decode(Report, data)
    for number, test in enumerate(report.tests):
        if test.outcome not in OUTCOMES:
            raise ValueError(f"Report.tests[{number}].outcome: {test.outcome!r} is none of {', '.join(OUTCOMES)}")
    return report


def _add_records(history: dict[str, Any]) -> None:
    for key in RECORDS:
        history[key] = []
