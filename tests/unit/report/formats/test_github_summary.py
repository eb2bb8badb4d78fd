"""The summary is Markdown that shows what it says, whatever names and messages hold, and fits into its room."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from pytest_celery_perf.report.formats.github_summary import LIMIT_BYTES, github_summary
from pytest_celery_perf.report.formats.markdown import block, cell, code, plain, row

if TYPE_CHECKING:
    from markdown_it.token import Token

from .reports import AWKWARD, CHARGE, EMPTY, PAY, REFUND, REPORT, result, verdict

READER = MarkdownIt("commonmark").enable(["table", "strikethrough"])


def shown(text: str) -> list[Token]:
    return READER.parse(text)


def words(tokens: list[Token]) -> str:
    """Return what a reader sees of inline text; nothing of it may be markup of its own."""
    return "".join(each.content for token in tokens for each in token.children or ())


def tables(text: str) -> Iterator[list[list[str]]]:
    table: list[list[str]] = []
    for token in shown(text):
        if token.type == "table_open":
            table = []
        elif token.type == "tr_open":
            table.append([])
        elif token.type == "inline" and table:
            table[-1].append(words([token]))
        elif token.type == "table_close":
            yield table
            table = []


def headings(text: str) -> list[str]:
    tokens = shown(text)
    return [words([tokens[number + 1]]) for number, token in enumerate(tokens) if token.type == "heading_open"]


def test_the_summary_says_what_failed_what_was_compared_and_what_was_measured() -> None:
    text = github_summary(REPORT)
    assert headings(text) == [
        "celery-perf: 5 of 8 tests failed",
        "Failed",
        "9f8e7d6 compared with 1a2b3c4 (merge base with origin/main)",
        "Undecided, new and gone",
        "Tasks",
    ]
    assert "Verdicts: 2 PASS, 6 FAIL, 1 INCONCLUSIVE. python 3.11.7 · celery 5.7.0" in words(shown(text))


def test_an_explanation_is_shown_as_it_is() -> None:
    (text,) = (
        token.content for token in shown(github_summary(REPORT)) if token.type == "fence" and "SELECT" in token.content
    )
    assert text == "  3×  SELECT `a` | b\n```\n100% of it\n"
    assert f"✗ celery_queries {CHARGE}: queries 41 (budget ≤ 4)" in words(shown(github_summary(REPORT)))
    assert "shop/tasks.py:20" in words(shown(github_summary(REPORT)))


def test_the_tables_hold_each_comparison_and_each_task() -> None:
    compared, tasks = tables(github_summary(REPORT))
    assert compared == [
        ["test", "task", "metric", "base", "head", "change", "verdict", "epochs", "detectable"],
        ["tests/test_shop.py::test_much_slower", CHARGE, "runtime", "105ms", "262ms", "+150 %", "FAIL", "2", "+8 %"],
        ["tests/test_shop.py::test_slower", CHARGE, "runtime", "105ms", "154ms", "+47 %", "FAIL", "2", "+8 %"],
        [AWKWARD, CHARGE, "memory", "2MiB", "2.02MiB", "+1 %", "PASS", "2", "+8 %"],
        ["tests/test_shop.py::test_pays", CHARGE, "runtime", "105ms", "105ms", "+0 %", "PASS", "2", "+8 %"],
    ]
    assert [cells[:4] for cells in tasks[1:]] == [[AWKWARD, CHARGE, "21", "1"], [AWKWARD, "shop.tasks.mail", "1", "0"]]


def test_a_run_without_a_comparison_and_without_tests() -> None:
    assert headings(github_summary(replace(REPORT, gate=None, tests=(PAY,)))) == [
        "celery-perf: 1 test, none failed",
        "Tasks",
    ]
    assert headings(github_summary(EMPTY)) == ["celery-perf: 0 tests, none failed"]


# -- what has no room ------------------------------------------------------------------------

MANY = replace(
    REPORT,
    tests=tuple(replace(REFUND, nodeid=f"test_{number}", rows=PAY.rows) for number in range(6000)),
)


def test_what_has_no_room_is_counted() -> None:
    text = github_summary(MANY)
    assert LIMIT_BYTES // 2 < len(text.encode()) <= LIMIT_BYTES
    failures = re.search(r"… ([\d,]+) of 12,000 failures left out: there is no room for more", text)
    assert failures is not None
    assert int(failures[1].replace(",", "")) + text.count("\n**✗") == 12_000
    assert "… 12,000 of 12,000 rows left out" in text


@pytest.mark.parametrize("limit", [0, 50, 300, 1000, 5000, 20_000])
def test_the_summary_never_exceeds_its_room(limit: int) -> None:
    text = github_summary(REPORT, limit)
    assert len(text.encode()) <= limit
    assert text == "" or headings(text)[0] == "celery-perf: 5 of 8 tests failed"


def test_one_endless_explanation_leaves_room_for_others() -> None:
    endless = result("test_endless", "failed", verdict(evidence=tuple(f"line {number}" for number in range(10_000))))
    text = github_summary(replace(REPORT, tests=(endless, REFUND)))
    assert "… 9800 more lines" in text
    assert REFUND.nodeid in text


# -- any text --------------------------------------------------------------------------------

LINES = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1)


@given(LINES)
def test_any_text_is_shown_as_it_is(text: str) -> None:
    expected = " ".join(text.split())
    for markdown in (plain(text), code(text)):
        (_, inline, _) = shown(f"begin {markdown} end")
        assert words([inline]) == f"begin {expected} end"


@given(LINES)
def test_any_text_is_a_cell(text: str) -> None:
    expected = " ".join(text.split())
    ((_, cells),) = tables(row(["a", "b"]) + row(["---", "---"]) + row([cell(text) or "–", plain(text) or "–"]))
    assert cells == [expected or "–", expected or "–"]


@given(st.lists(LINES))
def test_any_lines_are_a_block(lines: list[str]) -> None:
    (fence,) = (token for token in shown(block(lines)) if token.type == "fence")
    assert fence.content.rstrip("\n") == "\n".join(lines).rstrip("\n")
