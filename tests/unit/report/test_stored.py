"""Stored runs as people read them."""

from __future__ import annotations

from itertools import cycle, islice

import pytest

from pytest_celery_perf.measure.stored import prospects, trends
from pytest_celery_perf.model.baseline import Bench, Chronicle
from pytest_celery_perf.report.stored import bench_text, history_text, sparkline
from tests.unit.baseline.runs import CALIBRATION, ENVIRONMENT, run

RUNS = tuple(
    run(day, slower=slower, runtime=0.020 * (1.5 if day == 5 else 1), memory=50 << 20, queries=4, executions=20)
    for day, slower in enumerate(islice(cycle([1, 2]), 6))
)


def test_the_history_of_a_task() -> None:
    chronicle = Chronicle(folder="perf-history", runs=RUNS, others=2, trends=trends(RUNS))
    assert [
        "perf-history: 6 runs, 2026-11-01 (c0ffee00) to 2026-11-06 (c0ffee05); 2 of other environments are left out",
        "AMD EPYC, 2 cores, python 3.11.7, celery 5.7.0",
        "times as at the newest run, when the calibration took 40ms",
        "",
        "tests/test_shop.py::test_pay  runs  first  median  newest  change   trend",
        "shop.tasks.pay runtime           6   40ms    40ms    60ms   +50 %  ▁▁▁▁▁█",
        "shop.tasks.pay memory            6  50MiB   50MiB   50MiB    +0 %  ▄▄▄▄▄▄",
        "shop.tasks.pay executions        6     20      20      20    +0 %  ▄▄▄▄▄▄",
        "shop.tasks.pay queries           6      4       4       4    +0 %  ▄▄▄▄▄▄",
    ] == history_text(chronicle).splitlines()


def test_the_history_without_unicode() -> None:
    chronicle = Chronicle(folder="perf-history", runs=RUNS[:1], others=0, trends=trends(RUNS[:1]))
    text = history_text(chronicle, unicode=False)
    assert text.isascii()
    assert text.startswith("perf-history: 1 run, 2026-11-01 (c0ffee00)\n")
    assert text.endswith("=")


@pytest.mark.parametrize(
    ("values", "drawn"), [([1], "▄"), ([2, 2], "▄▄"), ([0, 1, 2, 7], "▁▂▃█"), ([3, -3], "█▁"), ([0, 0], "▄▄")]
)
def test_a_sparkline(values: list[float], drawn: str) -> None:
    assert drawn == sparkline(values)


def test_a_change_from_nothing_is_no_percentage() -> None:
    runs = (run(0, retries=0), run(1, retries=3))
    text = history_text(Chronicle(folder="perf-history", runs=runs, others=0, trends=trends(runs)))
    assert text.splitlines()[-1].split() == ["shop.tasks.pay", "retries", "2", "0", "1.5", "3", "–", "▁█"]


def test_what_a_machine_can_show() -> None:
    bench = Bench(
        environment={**ENVIRONMENT, "cpu_limit": "1.5", "architecture": "x86_64"},
        calibration=CALIBRATION,
        prospects=prospects(CALIBRATION.spread),
    )
    assert [
        "AMD EPYC, 2 cores, limited to 1.5, x86_64, python 3.11.7, celery 5.7.0",
        "calibration: 20ms, CPU time 20ms: medians of 40; within this second they differed by 1 %",
        "",
        "The smallest slowdown that stored runs tell from chance:",
        "",
        "                              stored runs",
        "where they differ by          5      10      20",
        "5 %                       +48 %   +25 %   +20 %",
        "10 %                     +119 %   +57 %   +44 %",
        "15 %                     +225 %   +97 %   +73 %",
        "1 %, as this second did  +8.2 %  +4.6 %  +3.7 %",
        "",
        "Where they differ by more than 5 % that is advice, and fails no test.",
    ] == bench_text(bench).splitlines()
