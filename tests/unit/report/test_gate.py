"""The table of a comparison: the worst first, nothing that was not compared forgotten."""

from __future__ import annotations

from dataclasses import replace

from pytest_celery_perf.measure.evidence import decide, decide_count, threshold
from pytest_celery_perf.model.gate import Comparison, GateCount, GateReport, Series, Standing
from pytest_celery_perf.report.gate import gate_lines
from pytest_celery_perf.report.terminal import Line

PAY = "test_pay.py::test_pay"
MS = 1e-3


def compared(factor: float, *, metric: str = "runtime", test: str = PAY, epochs: int = 12) -> Comparison:
    wave = [20 * MS * (1 + number % 3 / 100) for number in range(epochs)]
    series = Series(base=tuple(wave), head=tuple(each * factor for each in wave))
    return Comparison(
        test=test,
        standing=Standing.COMPARED,
        task="shop.charge",
        metric=metric,
        series=series,
        decision=decide(series, metric, tolerance=0.05, noticeable=0.20, threshold=threshold(1)),
    )


def lines_of(*comparisons: Comparison, width: int = 140, unicode: bool = True) -> list[Line]:
    report = GateReport(
        base="1a2b3c4 (merge base with origin/main)",
        head="5d6e7f8",
        differences={"celery": ("5.6.0", "5.7.0")},
        notes=("workers are pinned to core 1",),
        epochs=12,
        duration_s=95.0,
        comparisons=comparisons,
    )
    return gate_lines(report, width=width, unicode=unicode)


def text_of(*comparisons: Comparison, width: int = 140, unicode: bool = True) -> str:
    return "\n".join(line.text for line in lines_of(*comparisons, width=width, unicode=unicode))


def test_the_worst_come_first_and_what_was_compared_with_what_before_them() -> None:
    undecided = compared(1.4, metric="cpu", epochs=3)
    lines = lines_of(compared(1.0, metric="end_to_end"), undecided, compared(1.3), compared(2.0, metric="drain"))

    assert [line.text for line in lines] == [
        "1a2b3c4 (merge base with origin/main) → 5d6e7f8, 12 epochs in 95s",
        "differs: celery 5.6.0 → 5.7.0",
        "workers are pinned to core 1",
        "4 comparisons of 1 test: 2 FAIL, 1 INCONCLUSIVE, 1 PASS",
        "test                          task      metric    base    head  change       verdict  epochs  detectable",
        "test_pay.py::test_pay  shop.charge       drain  20.2ms  40.4ms  +100 %          FAIL      12        +0 %",
        "test_pay.py::test_pay  shop.charge     runtime  20.2ms  26.3ms   +30 %          FAIL      12        +0 %",
        "test_pay.py::test_pay  shop.charge         cpu  20.2ms  28.3ms   +40 %  INCONCLUSIVE       3        +0 %",
        "test_pay.py::test_pay  shop.charge  end_to_end  20.2ms  20.2ms    +0 %          PASS      12        +0 %",
    ]
    assert ["red", "red", "yellow", "green"] == [line.markup for line in lines[-4:]]


def test_what_has_no_figures_is_neither_passed_nor_left_out() -> None:
    text = text_of(replace(compared(1.0), series=None, decision=None))

    assert "1 comparison of 1 test: 0 FAIL, 1 INCONCLUSIVE, 0 PASS" in text
    assert f"{PAY}  shop.charge  runtime     –     –       –  INCONCLUSIVE       0           –" in text


def test_what_only_one_version_has_is_told_below() -> None:
    report = text_of(
        Comparison(test="t.py::test_b", standing=Standing.BROKEN, reason="it fails in the base: boom\nTraceback"),
        Comparison(
            test="t.py::test_c", standing=Standing.BROKEN, reason="it fails; its last lines:\n    no key\n    3"
        ),
        Comparison(
            test="t.py::test_d", standing=Standing.BROKEN, reason="it fails; its last lines:\n    no key\n    3"
        ),
        Comparison(test="t.py::test_n", standing=Standing.NEW, reason="the base has no such test"),
        Comparison(test=PAY, standing=Standing.REMOVED, task="shop.audit", reason="the test does not run it"),
        replace(compared(1.0), standing=Standing.RENAMED, base_test="t.py::test_old"),
        replace(compared(1.0, metric="cpu"), standing=Standing.RENAMED, base_test="t.py::test_old"),
    )

    assert "2 PASS · 3 BROKEN · 1 NEW · 1 REMOVED · 1 RENAMED" in report
    assert report.splitlines()[-8:] == [
        "BROKEN   t.py::test_b: it fails in the base: boom",
        "BROKEN   t.py::test_c: it fails; its last lines:",
        "    no key",
        "    3",
        "BROKEN   t.py::test_d: it fails; its last lines:",
        "NEW      t.py::test_n: the base has no such test",
        f"REMOVED  {PAY} shop.audit: the test does not run it",
        f"RENAMED  {PAY}, in the base t.py::test_old",
    ]


def test_of_many_that_passed_the_largest_effects_are_shown() -> None:
    lines = lines_of(*(compared(1 + number / 1000, test=f"t.py::test_{number}") for number in range(20)))

    assert "… and 8 more that passed" == lines[-1].text
    assert "t.py::test_19" in lines[5].text
    assert not any("t.py::test_7 " in line.text for line in lines)


def test_a_narrow_terminal_without_unicode_loses_nothing() -> None:
    lines = lines_of(compared(1.3), compared(1.0, metric="cpu"), width=80, unicode=False)

    assert all(line.text.isascii() for line in lines)
    assert max(len(line.text) for line in lines) <= 80
    assert ["", "red", "red", "green", "green"] == [line.markup for line in lines[-5:]]
    assert "26.3ms   +30 %" in lines[-3].text


def test_what_was_left_out_is_told_once_for_each_test() -> None:
    note = "2 epochs are left out, in which runs failed: 1 in the base, 1 in the head"
    lines = lines_of(replace(compared(1.0), note=note), replace(compared(1.0, metric="cpu"), note=note))

    assert [f"{PAY}: {note}"] == [line.text for line in lines if note in line.text]


def test_nothing_to_compare() -> None:
    assert "nothing could be compared" == text_of().splitlines()[-1]


def test_a_test_that_broke_in_some_epoch_is_not_counted_as_none() -> None:
    broken = Comparison(test="tests/test_shop.py::test_pay", standing=Standing.BROKEN, reason="it fails in the head")
    assert "nothing could be compared · 1 BROKEN" in text_of(broken).splitlines()


def test_failures_are_shares() -> None:
    series = Series(base=(0.0,) * 12, head=(0.75,) * 12)
    metric = GateCount.UNSUCCESSFUL
    found = replace(compared(1.0), metric=metric, series=series, decision=decide_count(series, metric, threshold(1)))
    (row,) = [line.text for line in lines_of(found) if "shop.charge" in line.text]
    assert row.split()[2:] == ["unsuccessful", "tasks", "0", "%", "75", "%", "–", "FAIL", "12", "–"]
