from __future__ import annotations

from pytest_celery_perf.model.lock import Bounds, LockNews, Standing, TaskFacts, TestFacts
from pytest_celery_perf.report.locks import notice_lines


def news(name: str, standing: Standing, facts: TestFacts | None = None, was: str = "") -> LockNews:
    return LockNews(
        path="/app/test_a.celery-perf.toml",
        module="test_a.py",
        test=name,
        nodeid=f"test_a.py::{name}",
        standing=standing,
        facts=facts,
        was=was,
    )


def test_what_is_as_it_was_is_not_told() -> None:
    assert [*notice_lines([news("test_b", Standing.SAME), news("test_c", Standing.MORE)])] == []


def test_what_was_written_is_told_with_its_bounds() -> None:
    task = TaskFacts(kinds={"queries": {"SELECT ?": Bounds(least=1, most=4)}})
    lines = notice_lines([news("test_b", Standing.LOCKED, TestFacts(tasks={"shop.pay": task}))])
    assert [*lines] == [
        "locked 1 test in /app/test_a.celery-perf.toml",
        "    not the same in each run, so gated by its bounds: test_a.py::test_b: shop.pay: queries SELECT ?: 1 to 4",
    ]


def test_what_is_not_as_it_is_locked_comes_with_its_remedy() -> None:
    many = [news(f"test_{number}", Standing.NEW) for number in range(7)]
    assert [*notice_lines([*many, news("test_b", Standing.RENAMED, was="test_a")])] == [
        "NEW: 7 tests are not locked: " + ", ".join(f"test_a.py::test_{n}" for n in range(5)) + " and 2 more",
        "    lock it: pytest --celery-perf-update=missing",
        "RENAMED: 1 test does what is locked under another name: test_a.py::test_b (was test_a)",
        "    rename in the file: pytest --celery-perf-update test_a.py",
    ]


def test_what_was_dropped_is_told() -> None:
    (line,) = notice_lines([news("test_b", Standing.REMOVED)], dropped=True)
    assert line == "dropped 1 of tests that are gone: test_a.py::test_b"


def test_the_entry_of_a_renamed_test_is_not_told_as_removed() -> None:
    lines = [*notice_lines([news("test_a", Standing.REMOVED), news("test_b", Standing.RENAMED, was="test_a")])]
    assert ["RENAMED", "    rename in the file"] == [line.partition(":")[0] for line in lines]
    written = news("test_b", Standing.LOCKED, was="test_a")
    assert [*notice_lines([news("test_a", Standing.REMOVED), written], dropped=True)] == [
        "locked 1 test in /app/test_a.celery-perf.toml"
    ]
