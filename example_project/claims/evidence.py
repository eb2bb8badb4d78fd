"""Finds in the report file of a run what it says about each claim."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from claims.catalogue import CLAIMS, Claim, by_key
from pytest_celery_perf.model.result import TestResult
from pytest_celery_perf.model.verdict import Check, Status, Verdict
from pytest_celery_perf.report.json import Report


class Ruling(StrEnum):
    """What became of a claim."""

    CONFIRMED = "confirmed"
    CORRECTED = "corrected"
    UNTESTABLE = "not testable here"
    BROKEN = "its test failed"
    OPEN = "not measured in this run"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """A claim, and what was measured."""

    claim: Claim
    ruling: Ruling
    measured: tuple[str, ...] = ()


def said(text: str) -> Mapping[str, Finding]:
    """Read what a benchmark says of claims.

    Args:
        text: JSON: a list of objects with ``key``, ``measured`` and ``holds``.

    Returns:
        By the claim's key.
    """
    claims = by_key()
    return {
        each["key"]: Finding(
            claim=claims[each["key"]],
            ruling=Ruling.CONFIRMED if each["holds"] else Ruling.CORRECTED,
            measured=(each["measured"],),
        )
        for each in json.loads(text)
    }


def findings(report: Report, others: Mapping[str, Finding] = MappingProxyType({})) -> tuple[Finding, ...]:
    """Rule on all claims.

    Args:
        report: Of a run of the tests.
        others: What was found elsewhere.
    """
    tests: dict[str, list[TestResult]] = defaultdict(list)
    for test in report.tests:
        for key in _recorded(test, "claim"):
            tests[key].append(test)
    return tuple(others.get(claim.key) or _find(claim, tests[claim.key]) for claim in CLAIMS)


def _find(claim: Claim, tests: list[TestResult]) -> Finding:
    # Who was skipped has measured nothing, unless it ran and was expected to fail.
    tests = [test for test in tests if test.outcome != "skipped" or _failing(test)]
    if not tests:
        ruling, said = (Ruling.UNTESTABLE, (claim.untestable,)) if claim.untestable else (Ruling.OPEN, ())
        return Finding(claim=claim, ruling=ruling, measured=said)
    return Finding(
        claim=claim,
        ruling=_ruling(claim.key, tests),
        measured=tuple(dict.fromkeys(text for test in tests for text in _measured(claim.key, test))),
    )


def _ruling(key: str, tests: Iterable[TestResult]) -> Ruling:
    if any(test.outcome == "failed" for test in tests):
        return Ruling.BROKEN
    if any(_unclear(test) and not _recorded(test, f"{key} holds") for test in tests):
        return Ruling.OPEN
    holds = all(
        (held := _recorded(test, f"{key} holds")) == ["yes"] or (not held and not _failing(test)) for test in tests
    )
    return Ruling.CONFIRMED if holds else Ruling.CORRECTED


def _measured(key: str, test: TestResult) -> Iterable[str]:
    """Tell what a test measured for a claim: its own words, those of the markers, or what became of its tasks."""
    if own := _recorded(test, f"{key} measured"):
        return own
    if failing := _failing(test):
        wrong = (f"{check.metric} {check.actual}, claimed {check.budget}" for check in _checks(failing) if not check.ok)
        return [*wrong, *(verdict.fix[0] for verdict in failing if verdict.fix)]
    if checks := _checks(test.verdicts):
        return [f"{check.metric} {check.actual}" for check in checks]
    return [f"{row.succeeded} of {row.tasks} {row.name.rpartition('.')[2]} succeeded" for row in test.rows]


def _checks(verdicts: Iterable[Verdict]) -> list[Check]:
    return [check for verdict in verdicts for check in verdict.checks]


def _failing(test: TestResult) -> list[Verdict]:
    return [verdict for verdict in test.verdicts if verdict.failed]


def _unclear(test: TestResult) -> bool:
    return any(verdict.status is Status.INCONCLUSIVE for verdict in test.verdicts)


def _recorded(test: TestResult, name: str) -> list[str]:
    return [value for each, value in test.properties if each == name]
