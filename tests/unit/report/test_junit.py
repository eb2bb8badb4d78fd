"""Verdicts and figures become properties of the test case."""

from __future__ import annotations

from dataclasses import replace

from pytest_celery_perf.measure.registry import METRICS
from pytest_celery_perf.model.summary import FigureRow, TaskRow
from pytest_celery_perf.model.verdict import Check, Status, Verdict
from pytest_celery_perf.report.junit import user_properties

ROW = TaskRow(name="shop.pay", tasks=2, executions=3, succeeded=1, failed=1, lost=0, retries=1, runtime_p95_s=0.24)


def test_each_verdict_is_a_property() -> None:
    checks = (
        Check(metric="queries", actual="41", budget="≤ 4", ok=False),
        Check(metric="SELECT", actual="3", budget="≤ 5", ok=True),
    )
    judged = Verdict(marker="celery_queries", task="shop.pay", status=Status.FAIL, checks=checks)
    unseen = Verdict(marker="celery_retries", task="shop.pay", status=Status.FAIL, evidence=("never ran", "seen: a"))
    passed = Verdict(marker="celery_routing", task="shop.pay", status=Status.PASS)
    assert user_properties([judged, unseen, passed], []) == [
        ("celery_queries[shop.pay]", "FAIL: queries 41 (budget ≤ 4); SELECT 3 (budget ≤ 5)"),
        ("celery_retries[shop.pay]", "FAIL: never ran"),
        ("celery_routing[shop.pay]", "PASS"),
    ]


def test_a_comparison_is_a_property_decided_or_not() -> None:
    worse = Check(metric="runtime", actual="+47 % (154ms), surer than 1 : 2,000", budget="≤ +5 % of 105ms", ok=False)
    decided = Verdict(marker="celery_regression", task="shop.pay", status=Status.FAIL, checks=(worse,))
    open_ = Verdict(
        marker="celery_regression", task="shop.mail", status=Status.INCONCLUSIVE, evidence=("cpu undecided", "…")
    )
    assert user_properties([decided, open_], []) == [
        (
            "celery_regression[shop.pay]",
            "FAIL: runtime +47 % (154ms), surer than 1 : 2,000 (budget ≤ +5 % of 105ms)",
        ),
        ("celery_regression[shop.mail]", "INCONCLUSIVE: cpu undecided"),
    ]


def test_each_figure_is_a_property_and_what_was_not_measured_is_none() -> None:
    assert user_properties([], [ROW]) == [
        ("shop.pay.tasks", "2"),
        ("shop.pay.executions", "3"),
        ("shop.pay.succeeded", "1"),
        ("shop.pay.failed", "1"),
        ("shop.pay.lost", "0"),
        ("shop.pay.retries", "1"),
        ("shop.pay.runtime_p95_s", "0.24"),
    ]


def test_a_great_number_keeps_its_digits() -> None:
    (figure,) = [value for name, value in user_properties([], [ROW_OF_MANY]) if name == "shop.pay.tasks"]
    assert figure == "12345678"


ROW_OF_MANY = TaskRow(name="shop.pay", tasks=12345678, executions=3, succeeded=1, failed=1, lost=0, retries=1)


def test_what_was_asked_for_is_a_property_too() -> None:
    peak = FigureRow(metric=METRICS["gc_pause"], executions=3, median=0.5, max=2)
    said = dict(user_properties((), (replace(ROW, figures=(peak,)),)))
    assert (said["shop.pay.gc_pause_median"], said["shop.pay.gc_pause_max"]) == ("0.5", "2")
