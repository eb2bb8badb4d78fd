"""The text of a journal is aligned, and says what it leaves out."""

from __future__ import annotations

from pytest_celery_perf.model.journal import JournalEntry
from pytest_celery_perf.report.journal import journal_text


def entry(number: int, kind: str = "started", actor: str = "main@host") -> JournalEntry:
    return JournalEntry(at_ns=5_000_000_000 + number * 1_000_000, kind=kind, actor=actor, text=f"event {number}")


def test_a_line_has_the_time_since_the_first_who_and_what() -> None:
    entries = (entry(0, "published", "test"), entry(12, "fault"), entry(13, "snapshot", "broker"))
    assert [
        "   0.0000s   test       event 0",
        "   0.0120s ! main@host  event 12",
        "   0.0130s · broker     event 13",
    ] == journal_text(entries).splitlines()
    assert " | broker " in journal_text(entries, unicode=False)


def test_of_a_long_journal_the_middle_is_left_out() -> None:
    entries = tuple(entry(number) for number in range(100))
    lines = journal_text(entries, limit=5).splitlines()
    assert ["event 0", "event 1", "… 95 more", "event 97", "event 98", "event 99"] == [
        line.rpartition("  ")[2] for line in lines
    ]
    assert len(entries) == len(journal_text(entries).splitlines())


def test_no_entries_are_no_text() -> None:
    assert journal_text(()) == ""
