"""What a reader of the terminal gets to see."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from pytest_celery_perf.measure.registry import METRICS
from pytest_celery_perf.model.summary import FigureRow, TaskRow
from pytest_celery_perf.model.verdict import Check, Status, Verdict
from pytest_celery_perf.report.glyphs import supports_unicode
from pytest_celery_perf.report.terminal import summary_table, verdict_text, verdicts_text

PAY = TaskRow(
    name="shop.tasks.pay",
    tasks=50,
    executions=52,
    succeeded=49,
    failed=1,
    lost=0,
    retries=2,
    queries_median=3.5,
    queries_max=9,
    queue_p50_s=0.0123,
    queue_p95_s=0.0312,
    runtime_p50_s=0.18,
    runtime_p95_s=0.24,
)
MAIL = TaskRow(name="shop.tasks.mail", tasks=3, executions=3, succeeded=3, failed=0, lost=0, retries=0)


def check(metric: str = "queries", actual: str = "41", budget: str = "≤ 4", *, ok: bool = False) -> Check:
    return Check(metric=metric, actual=actual, budget=budget, ok=ok)


def verdict(*checks: Check, status: Status = Status.FAIL, **fields: Any) -> Verdict:
    return Verdict(marker="celery_queries", task="shop.tasks.pay", status=status, checks=checks, **fields)


def summary(rows: list[TaskRow], *verdicts: Verdict, width: int = 120) -> str:
    return "\n".join(line.text for line in summary_table(rows, verdicts, width=width))


def test_a_failed_check_is_told_in_the_first_line() -> None:
    text = verdict_text(verdict(check(), evidence=("SELECT …", "", "  UPDATE …"), fix=("use select_related.",)))
    assert text == (
        "✗ celery_queries shop.tasks.pay: queries 41 (budget ≤ 4)\n"
        "    SELECT …\n"
        "\n"
        "      UPDATE …\n"
        "    fix: use select_related."
    )


def test_several_checks_are_listed_below_one_another() -> None:
    checks = (check("p50 runtime", "180ms", "≤ 200ms", ok=True), check("p99 runtime", "1.24s", "≤ 1s"), check("max"))
    assert verdict_text(verdict(*checks)) == (
        "✗ celery_queries shop.tasks.pay: p99 runtime 1.24s (budget ≤ 1s), and 1 more\n"
        "    ✓ p50 runtime  180ms  ≤ 200ms\n"
        "    ✗ p99 runtime  1.24s  ≤ 1s\n"
        "    ✗ max             41  ≤ 4"
    )


def test_what_is_unknown_is_neither_kept_nor_broken() -> None:
    unknown = replace(check("jitter", "unknown", "on", ok=True), unknown=True)
    assert verdict_text(verdict(check("attempts"), unknown)).splitlines()[1:] == [
        "    ✗ attempts       41  ≤ 4",
        "    ? jitter    unknown  on",
    ]


def test_without_a_figure_the_evidence_comes_first() -> None:
    text = verdict_text(verdict(evidence=("no execution was seen", "seen: shop.tasks.mail")))
    assert text == "✗ celery_queries shop.tasks.pay: no execution was seen\n    seen: shop.tasks.mail"


def test_a_passed_verdict_states_what_holds() -> None:
    passed = verdict(check(actual="3", ok=True), check("backoff", "1s, 2s", "exponential", ok=True))
    text = verdict_text(replace(passed, status=Status.PASS)).splitlines()[0]
    assert text == "✓ celery_queries shop.tasks.pay: queries 3 ≤ 4 · backoff 1s, 2s (exponential)"


def test_of_several_verdicts_the_failed_ones_are_told_first() -> None:
    others = [verdict(status=Status.PASS), verdict(status=Status.INCONCLUSIVE, evidence=("too few",)), verdict(check())]
    assert [paragraph[0] for paragraph in verdicts_text(others).split("\n\n")] == ["✗", "?", "✓"]


def test_the_table_has_a_row_per_task() -> None:
    assert summary([PAY, MAIL]) == (
        "                                                   queries       queue         runtime\n"
        "task             tasks  runs  ok  failed  retries  p50  max     p50     p95    p50    p95\n"
        "shop.tasks.pay      50    52  49       1        2  3.5    9  12.3ms  31.2ms  180ms  240ms\n"
        "shop.tasks.mail      3     3   3       0        0    –    –       –       –      –      –"
    )


def test_what_was_not_measured_is_a_dash_and_never_a_zero() -> None:
    assert summary([MAIL]).splitlines()[-1].split() == ["shop.tasks.mail", "3", "3", "3", "0", "0"] + ["–"] * 6


def test_lost_tasks_get_a_column_when_there_are_some() -> None:
    assert " lost " not in summary([PAY, MAIL])
    heading, pay, mail = summary([replace(PAY, lost=7), MAIL]).splitlines()[1:]
    column = heading.split().index("lost")
    assert [pay.split()[column], mail.split()[column]] == ["7", "0"]


def test_a_narrow_terminal_gets_the_names_on_lines_of_their_own() -> None:
    long = replace(PAY, name="shop.tasks.a_name_that_leaves_no_room_for_figures_beside_it")
    lines = summary([long, MAIL], width=80).splitlines()
    assert lines[2] == long.name
    assert lines[4] == MAIL.name
    assert max(len(line) for line in lines) <= 80
    assert len({len(line) for line in (lines[1], lines[3], lines[5])}) == 1


def test_the_verdicts_stand_below_the_table_in_columns() -> None:
    passed = replace(verdict(check("p95 runtime", "240ms", "≤ 250ms", ok=True)), marker="celery_latency")
    lines = summary_table([PAY], [replace(passed, status=Status.PASS), verdict(check())], width=120)
    assert [(line.text, line.markup) for line in lines[-3:]] == [
        ("", ""),
        ("✗ celery_queries  shop.tasks.pay  queries 41 (budget ≤ 4)", "red"),
        ("✓ celery_latency  shop.tasks.pay  p95 runtime 240ms ≤ 250ms", "green"),
    ]


def test_a_verdict_too_long_for_the_line_continues_below() -> None:
    checks = (check("queries on default"), check("queries on replica"), check("max"))
    assert summary([], verdict(*checks), width=60).splitlines() == [
        "✗ celery_queries  shop.tasks.pay",
        "    queries on default 41 (budget ≤ 4)",
        "    queries on replica 41 (budget ≤ 4) · max 41 (budget ≤ 4)",
    ]


def test_the_failed_check_of_a_verdict_is_shown_before_the_passed_ones() -> None:
    line = summary([], verdict(check("p50", "1ms", "≤ 2ms", ok=True), check("p95", "9ms", "≤ 5ms")))
    assert line.endswith("p95 9ms (budget ≤ 5ms) · p50 1ms ≤ 2ms")


def test_equal_verdicts_are_shown_once_with_their_number() -> None:
    passed = verdict(check(actual="4", ok=True), status=Status.PASS)
    assert summary([], passed, passed, passed) == "✓ celery_queries  shop.tasks.pay  queries 4 ≤ 4 ×3"


def test_nothing_to_show_is_no_line_at_all() -> None:
    assert summary_table([], []) == []


def test_a_terminal_without_unicode_gets_ascii() -> None:
    lines = summary_table([PAY, MAIL], [verdict(check()), verdict(evidence=("naïve → µs",))], width=120, unicode=False)
    text = "\n".join(line.text for line in lines)
    assert text.isascii()
    assert "x celery_queries  shop.tasks.pay  queries 41 (budget <= 4)" in text
    assert r"na\xefve -> us" in text
    assert verdict_text(verdict(check()), unicode=False).startswith("x celery_queries")


@pytest.mark.parametrize(
    ("encoding", "expected"),
    [
        ("utf-8", True),
        ("UTF-8", True),
        ("ascii", False),
        ("latin-1", False),
        ("cp1252", False),
        (None, False),
        ("?", False),
    ],
)
def test_an_encoding_that_lacks_one_of_our_characters_lacks_them_all(encoding: str | None, expected: bool) -> None:
    assert expected == supports_unicode(encoding)


def test_many_passes_of_one_marker_and_task_are_counted_rather_than_listed() -> None:
    verdicts = [
        Verdict(
            marker="celery_latency",
            task="shop.pay",
            status=Status.PASS,
            checks=(Check(metric="p95 runtime", budget="≤ 1s", actual=f"{n}ms", ok=True),),
        )
        for n in range(1, 9)
    ]

    lines = [line.text for line in summary_table([], verdicts, width=100)]

    assert [*(f"✓ celery_latency  shop.pay  p95 runtime {n}ms ≤ 1s" for n in range(1, 6))] == lines[:5]
    assert ["    … and 3 more that passed"] == lines[5:]


def test_what_was_asked_for_has_a_table_of_its_own() -> None:
    peak = FigureRow(metric=METRICS["gc_pause"], executions=50, median=0.0012, max=0.02)
    text = summary([replace(PAY, figures=(peak,)), MAIL])
    assert text.splitlines()[-2:] == [
        "measured                 runs    p50   max",
        "shop.tasks.pay gc_pause    50  1.2ms  20ms",
    ]
    assert "measured" not in summary([PAY, MAIL])


def test_what_was_asked_for_and_never_happened_takes_no_line() -> None:
    misses = FigureRow(metric=METRICS["cache_misses"], executions=50, median=0, max=0)
    assert "measured" not in summary([replace(PAY, figures=(misses,))])


def test_what_is_not_decided_is_told_before_what_holds() -> None:
    unclear = verdict(check(actual="3", ok=True), status=Status.INCONCLUSIVE, evidence=("too few samples", "seen: 2"))
    assert summary([], unclear) == "? celery_queries  shop.tasks.pay  too few samples · queries 3 ≤ 4"
