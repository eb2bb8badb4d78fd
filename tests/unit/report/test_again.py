"""A report file tells people what the terminal told them."""

from __future__ import annotations

from dataclasses import replace

from pytest_celery_perf.model.gate import Comparison, Decision, GateReport, Series, Standing
from pytest_celery_perf.model.result import TestResult
from pytest_celery_perf.model.summary import TaskRow
from pytest_celery_perf.model.verdict import Check, Status, Verdict
from pytest_celery_perf.report.again import report_text
from pytest_celery_perf.report.json import Report
from tests.unit.histories import NAME, execution, history, publication

TEST = "tests/test_shop.py::test_pay"
SLOW = Verdict(
    marker="celery_latency",
    task=NAME,
    status=Status.FAIL,
    checks=(Check(metric="p95 runtime", budget="≤ 5ms", actual="10ms", ok=False),),
    fix=("look for loops",),
)
PASSED = TestResult(nodeid=TEST, outcome="passed", history=history(execution(), publications=(publication(),)))
FAILED = TestResult(
    nodeid="tests/test_shop.py::test_refund",
    outcome="failed",
    verdicts=(SLOW,),
    history=history(execution("t2"), publications=(publication("t2"),)),
)
REPORT = Report(
    created="2026-11-21T22:50:00+00:00",
    environment={"python": "3.11.7", "celery": "5.7.0", "cpu": "AMD EPYC", "cores": "2"},
    tests=(PASSED, FAILED),
)


def test_a_run_is_told_again() -> None:
    lines = report_text(REPORT).splitlines()
    assert [
        "2026-11-21T22:50:00+00:00: 2 tests, 1 of them failed",
        "AMD EPYC, 2 cores, python 3.11.7, celery 5.7.0",
    ] == (lines[:2])
    assert any(line.split()[:4] == [NAME, "2", "2", "2"] for line in lines), lines
    assert [
        "tests/test_shop.py::test_refund failed",
        "✗ celery_latency shop.tasks.charge: p95 runtime 10ms (budget ≤ 5ms)",
        "    fix: look for loops",
    ] == lines[-3:]


def test_a_test_that_failed_by_itself_is_told_with_its_message() -> None:
    broken = replace(FAILED, verdicts=(), message="AssertionError: assert 3 == 4")
    text = report_text(replace(REPORT, tests=(broken,)), unicode=False)
    assert text.isascii()
    assert text.endswith("tests/test_shop.py::test_refund failed: AssertionError: assert 3 == 4")


def test_figures_without_records_are_told_by_test() -> None:
    row = TaskRow(name=NAME, tasks=7, executions=7, succeeded=7, failed=0, lost=0, retries=0)
    brief = TestResult(nodeid=TEST, outcome="passed", rows=(row,))
    lines = report_text(replace(REPORT, tests=(brief,))).splitlines()
    assert f"{NAME} in {TEST}" in lines


def test_the_comparison_with_another_version_is_told() -> None:
    comparison = Comparison(
        test=TEST,
        standing=Standing.COMPARED,
        task=NAME,
        metric="runtime",
        series=Series(base=(0.02, 0.02), head=(0.03, 0.03)),
        decision=Decision(status=Status.FAIL, log_e_fail=9.0, log_e_pass=-9.0, effect=0.5, detectable=0.04),
    )
    gate = GateReport(
        base="1a2b3c4 (merge base with origin/main)",
        head="the checkout",
        differences={},
        notes=(),
        epochs=2,
        duration_s=9.0,
        comparisons=(comparison,),
    )
    text = report_text(replace(REPORT, gate=gate))
    assert "1a2b3c4 (merge base with origin/main) → the checkout, 2 epochs in 9s" in text
    assert "+50 %" in text
