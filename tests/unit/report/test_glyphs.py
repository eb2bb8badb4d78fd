"""What a reader's terminal, page or program must not be given, whatever the message of an exception holds."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pytest_celery_perf.report.formats.github_annotations import github_annotations
from pytest_celery_perf.report.formats.github_summary import github_summary
from pytest_celery_perf.report.glyphs import fit, harmless
from pytest_celery_perf.report.terminal import verdict_text
from tests.unit.report.formats.reports import EMPTY, result, verdict

SPITEFUL = "boom \x1b[31m é \0 \x7f\x9b2J end"
SHOWN = r"boom \x1b[31m é \x00 \x7f\x9b2J end"


@pytest.mark.parametrize(
    ("text", "shown"), [(SPITEFUL, SHOWN), ("a\tb\r\nc", "a\tb\r\nc"), ("µs · 20 %", "µs · 20 %"), ("", "")]
)
def test_controls_are_named_and_all_else_is_left(text: str, shown: str) -> None:
    assert shown == harmless(text)
    assert shown == fit(text, unicode=True)


def test_no_report_for_people_holds_a_control() -> None:
    odd = verdict(evidence=(f"it raised ValueError: {SPITEFUL}",))
    report = replace(EMPTY, tests=(result("test_a", "failed", odd), result("test_b", "failed", message=SPITEFUL)))
    for text in (github_summary(report), github_annotations(report), verdict_text(odd)):
        assert not [each for each in text if not each.isprintable() and each != "\n"]
        assert r"\x00" in text
