"""A test run with something of everything, and with the names that formats choke on."""

from __future__ import annotations

from dataclasses import replace

from pytest_celery_perf.measure.registry import METRICS, counter
from pytest_celery_perf.measure.summary import Run
from pytest_celery_perf.model.frame import Frame
from pytest_celery_perf.model.gate import Comparison, Decision, GateReport, Series, Standing
from pytest_celery_perf.model.result import TestResult
from pytest_celery_perf.model.summary import FigureRow, ScopeFigure, TaskRow
from pytest_celery_perf.model.verdict import Check, Status, Verdict
from pytest_celery_perf.report.json import Report
from tests.unit.histories import execution, failed, history

CHARGE = "shop.tasks.charge"
AWKWARD = 'tests/test_shop.py::test_pay[a|b `c` "d" #e, f: 100% <g>]'
"""A test's name with all that means something to Markdown, OpenMetrics, shells and workflow commands."""


def check(metric: str = "queries", actual: str = "41", budget: str = "≤ 4", *, ok: bool = False) -> Check:
    return Check(metric=metric, actual=actual, budget=budget, ok=ok)


def verdict(
    status: Status = Status.FAIL,
    *,
    marker: str = "celery_queries",
    task: str = CHARGE,
    checks: tuple[Check, ...] = (),
    evidence: tuple[str, ...] = (),
    places: tuple[Frame, ...] = (),
) -> Verdict:
    checks = checks or (check(ok=status is not Status.FAIL),)
    return Verdict(marker=marker, task=task, status=status, checks=checks, evidence=evidence, places=places)


def frame(path: str = "/work/shop/tasks.py", line: int = 20) -> Frame:
    return Frame(path=path, line=line, function="charge")


def result(nodeid: str, outcome: str, *verdicts: Verdict, message: str = "", line: int = 7) -> TestResult:
    return TestResult(
        nodeid=nodeid,
        outcome=outcome,
        message=message,
        verdicts=verdicts,
        place=Frame(path="/work/tests/test_shop.py", line=line, function="test"),
    )


HISTORY = history(*(execution(f"t{number}", body=10 + number) for number in range(20)), failed("t20", body=500))
PAY = TestResult(
    nodeid=AWKWARD,
    outcome="passed",
    verdicts=(verdict(Status.PASS),),
    rows=(
        *Run.of(HISTORY).by_task.values(),
        TaskRow(
            name="shop.tasks.mail",
            tasks=1,
            executions=1,
            succeeded=1,
            failed=0,
            lost=0,
            retries=0,
            figures=(
                FigureRow(metric=METRICS["memory_peak"], executions=1, median=3 << 20, max=4 << 20),
                FigureRow(metric=counter("rows, in \\ all"), executions=1, median=12, max=12),
            ),
        ),
    ),
    figures=(
        ScopeFigure(metric=METRICS["throughput"], of="", value=45.5),
        ScopeFigure(metric=METRICS["utilisation"], of="mail", value=0.75),
    ),
    history=HISTORY,
    place=Frame(path="/work/tests/test_shop.py", line=3, function="test_pay"),
)
REFUND = result(
    "tests/test_shop.py::test_refund",
    "failed",
    verdict(
        evidence=("  3×  SELECT `a` | b", "```", "100% of it"),
        places=(frame("/usr/lib/python3/x.py"), frame(), frame(line=99)),
    ),
    verdict(marker="celery_latency", checks=(check("p95 runtime", "312ms", "≤ 250ms"),)),
    line=12,
)
LOST = result(
    "tests/test_shop.py::test_lost",
    "failed",
    verdict(marker="celery_drill[deploy]", checks=(check("lost", "1", "= 0"),)),
)
BY_ITSELF = result(
    "tests/test_shop.py::test_itself", "failed", verdict(Status.PASS), message="AssertionError: of its own"
)
EXPECTED = result("tests/test_shop.py::test_expected", "skipped", verdict())
SLOWER = result(
    "tests/test_shop.py::test_slower",
    "failed",
    verdict(marker="celery_regression", checks=(check("runtime", "+47 %", "≤ +5 %"),)),
)
MUCH_SLOWER = result(
    "tests/test_shop.py::test_much_slower",
    "failed",
    verdict(marker="celery_regression", checks=(check("runtime", "+150 %", "≤ +5 %"),)),
)
UNDECIDED = result("tests/test_shop.py::test_undecided", "passed", verdict(Status.INCONCLUSIVE, evidence=("too few",)))


def comparison(nodeid: str, effect: float, status: Status = Status.FAIL, metric: str = "runtime") -> Comparison:
    base = (1 << 20, 4 << 20) if metric == "memory" else (0.1, 0.11)
    return Comparison(
        test=nodeid,
        standing=Standing.COMPARED,
        task=CHARGE,
        metric=metric,
        threshold=2000.0,
        series=Series(base=base, head=tuple(figure * (1 + effect) for figure in base)),
        decision=Decision(status=status, log_e_fail=9.5, log_e_pass=-4.25, effect=effect, detectable=0.08),
    )


GATE = GateReport(
    base="1a2b3c4 (merge base with origin/main)",
    head="9f8e7d6",
    differences={"celery": ("5.6.0", "5.7.0")},
    notes=("workers were pinned to core 1",),
    epochs=12,
    duration_s=95.0,
    comparisons=(
        comparison(SLOWER.nodeid, 0.47),
        comparison(MUCH_SLOWER.nodeid, 1.5),
        comparison(AWKWARD, 0.01, Status.PASS, "memory"),
        Comparison(test="tests/test_shop.py::test_added", standing=Standing.NEW),
        replace(
            comparison("tests/test_shop.py::test_pays", 0.0, Status.PASS),
            standing=Standing.RENAMED,
            base_test="tests/test_shop.py::test_charges",
        ),
    ),
)
REPORT = Report(
    created="2026-11-22T12:00:00+00:00",
    environment={"python": "3.11.7", "celery": "5.7.0", "platform": "Linux"},
    root="/work",
    gate=GATE,
    tests=(PAY, REFUND, BY_ITSELF, SLOWER, MUCH_SLOWER, LOST, EXPECTED, UNDECIDED),
)
EMPTY = Report(created="2026-11-22T12:00:00+00:00", environment={})
