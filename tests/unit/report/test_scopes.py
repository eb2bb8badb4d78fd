from __future__ import annotations

from pytest_celery_perf.measure.registry import METRICS
from pytest_celery_perf.model.result import TestResult
from pytest_celery_perf.model.summary import ScopeFigure
from pytest_celery_perf.report.junit import user_properties
from pytest_celery_perf.report.scopes import scope_lines

FIGURES = (
    ScopeFigure(metric=METRICS["utilisation"], of="mail", value=0.75),
    ScopeFigure(metric=METRICS["rss"], of="mail", value=3 << 20),
    ScopeFigure(metric=METRICS["depth"], of="letters", value=10),
    ScopeFigure(metric=METRICS["throughput"], of="", value=0.5),
)


def test_a_line_for_each_worker_and_queue() -> None:
    results = [
        TestResult(nodeid="test_a", outcome="passed"),
        TestResult(nodeid="test_b", outcome="passed", figures=FIGURES),
    ]
    assert list(scope_lines(results)) == [
        "",
        "test_b",
        "    worker mail    utilisation 75 % · rss 3MiB",
        "    queue letters  depth 10",
        "    all together   throughput 30/min",
    ]


def test_a_terminal_without_unicode() -> None:
    results = [TestResult(nodeid="test_b", outcome="passed", figures=FIGURES[:2])]
    assert "\n".join(scope_lines(results, unicode=False)).isascii()


def test_properties() -> None:
    properties = dict(user_properties((), (), FIGURES))
    assert ("0.75", "10", "0.5") == tuple(
        properties[name] for name in ("worker.mail.utilisation", "queue.letters.depth", "run.throughput")
    )
