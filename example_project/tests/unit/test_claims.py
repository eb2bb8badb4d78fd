"""A run's report tells what became of each claim; nothing is made up where it says nothing."""

from __future__ import annotations

import pytest

from claims.catalogue import CLAIMS, SYSTEMS, by_key
from claims.evidence import Finding, Ruling, findings, said
from claims.table import markdown
from pytest_celery_perf.model.result import TestResult
from pytest_celery_perf.model.summary import TaskRow
from pytest_celery_perf.model.verdict import Check, Status, Verdict
from pytest_celery_perf.report.json import Report

CLAIM = "E.priorities"


def report(outcome: str = "passed", *, wrong: bool | None = None, unclear: bool = False, **properties: str) -> Report:
    """Return the report of one test of a claim; ``wrong`` is what its marker found, if it has one and could tell."""
    check = Check(metric="out of order", budget="= 0", actual="6", ok=not wrong)
    status = Status.FAIL if wrong else Status.INCONCLUSIVE if unclear else Status.PASS
    verdict = Verdict(marker="celery_routing", task="a", status=status, checks=(check,), fix=("turn them round",))
    row = TaskRow(name="shop.pay", tasks=2, executions=2, succeeded=1, failed=1, lost=0, retries=0)
    test = TestResult(
        nodeid="tests/test_x.py::test_x",
        outcome=outcome,
        verdicts=() if wrong is None else (verdict,),
        rows=(row,),
        properties=(("claim", CLAIM), *((f"{CLAIM} {name}", value) for name, value in properties.items())),
    )
    return Report(created="2026-11-22", environment={"celery": "5.7.0"}, tests=(test,))


def found(report: Report) -> Finding:
    """Return what a report says of the claim."""
    return next(finding for finding in findings(report) if finding.claim.key == CLAIM)


@pytest.mark.parametrize(
    ("given", "ruling", "measured"),
    [
        (report(wrong=False), Ruling.CONFIRMED, ("out of order 6",)),
        (report("skipped", wrong=True), Ruling.CORRECTED, ("out of order 6, claimed = 0", "turn them round")),
        (report("failed", wrong=True), Ruling.BROKEN, ("out of order 6, claimed = 0", "turn them round")),
        (report(), Ruling.CONFIRMED, ("1 of 2 pay succeeded",)),
        (report(wrong=False, measured="3×", holds="no"), Ruling.CORRECTED, ("3×",)),
        (report(measured="3×", holds="yes"), Ruling.CONFIRMED, ("3×",)),
        (Report(created="", environment={}), Ruling.OPEN, ()),
        (report("skipped"), Ruling.OPEN, ()),
        (report("skipped", wrong=False), Ruling.OPEN, ()),
        (report(wrong=False, unclear=True), Ruling.OPEN, ("out of order 6",)),
        (report(wrong=False, unclear=True, measured="3×", holds="yes"), Ruling.CONFIRMED, ("3×",)),
    ],
)
def test_what_became_of_a_claim(given: Report, ruling: Ruling, measured: tuple[str, ...]) -> None:
    """By the outcome of its test, the verdicts of its markers, and what it recorded."""
    assert (found(given).ruling, found(given).measured) == (ruling, measured)


def test_what_a_benchmark_says() -> None:
    """Of claims that no test of the example measures."""
    also = said('[{"key": "D.ratio", "measured": "4.7×", "holds": false}]')

    finding = next(finding for finding in findings(report(), also) if finding.claim.key == "D.ratio")
    assert (finding.ruling, finding.measured) == (Ruling.CORRECTED, ("4.7×",))


def test_what_cannot_be_tested_says_why() -> None:
    """In place of a figure."""
    untestable = [finding for finding in findings(report()) if finding.ruling is Ruling.UNTESTABLE]

    assert untestable
    assert [finding.measured for finding in untestable] == [(finding.claim.untestable,) for finding in untestable]


def test_the_table() -> None:
    """A row for each claim, a section for each system."""
    text = markdown(findings(report("skipped", wrong=True)), report())

    assert "| E.priorities | Of the priorities 1 to 10 the higher is served first |" in text
    assert "| out of order 6, claimed = 0; turn them round | corrected |" in text
    assert all(f"## {letter}. {name}" in text for letter, name in SYSTEMS.items())
    assert text.count("\n| ") == len(CLAIMS) + len(SYSTEMS)


def test_keys_are_unique() -> None:
    """Each of a system that exists."""
    assert len(by_key()) == len(CLAIMS)
    assert {claim.system for claim in CLAIMS} == {*SYSTEMS}
