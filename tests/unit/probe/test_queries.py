"""The capture counts every query once, and never disturbs one."""

from __future__ import annotations

import _thread
import signal
import sys
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from pytest_celery_perf.probe import context, django_queries, queries
from pytest_celery_perf.probe.queries import Capture

Row = list[Any]


class Connection:
    """As much of Django's connection as the capture touches."""

    alias = "default"
    connection = None
    Database = type("Database", (), {"Error": RuntimeError})


class Attempt:
    def __init__(self) -> None:
        self.capture: Capture | None = Capture()
        self.capture.phase = "body"
        self.heeds_queries = False
        self.numbers: list[int] = []
        self.answers = 0

    def on_query(self, number: int, _sql: str, _alias: str) -> None:
        self.numbers.append(number)

    def on_answer(self) -> None:
        self.answers += 1

    @property
    def rows(self) -> list[Row]:
        assert self.capture is not None
        return self.capture.summary(lambda sql: sql, lambda stack: stack)  # type: ignore[arg-type,return-value]


CONNECTION = Connection()


@pytest.fixture
def attempt() -> Iterator[Any]:
    context.configure("prefork")
    attempt: Any = Attempt()
    scope = context.enter(attempt)
    yield attempt
    context.leave(scope)
    context.unconfigure()


@pytest.fixture(autouse=True)
def problems(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    problems: list[str] = []
    monkeypatch.setattr(queries, "problems", problems)
    monkeypatch.setattr(queries, "unattributed", 0)
    return problems


def query(sql: object = "SELECT 1", *, many: bool = False, connection: Any = CONNECTION) -> object:
    return django_queries._observe(lambda *args: args[:3], sql, ("a",), many, {"connection": connection})


def test_a_query_is_passed_on_as_it_is(attempt: Any) -> None:
    assert query("SELECT %s", many=True) == ("SELECT %s", ("a",), True)


def test_queries_are_counted_by_alias_phase_and_text(attempt: Any) -> None:
    replica: Any = Connection()
    replica.alias = "replica"
    query()
    query()
    query("SELECT 2", many=True)
    query(connection=replica)
    attempt.capture.phase = "hooks"
    query()
    counted = [(alias, sql, phase, count, many) for alias, sql, phase, count, many, *_ in attempt.rows]
    assert counted == [
        ("default", "SELECT 1", "body", 2, 0),
        ("default", "SELECT 2", "body", 1, 1),
        ("replica", "SELECT 1", "body", 1, 0),
        ("default", "SELECT 1", "hooks", 1, 0),
    ]


def test_the_first_calls_are_sampled_and_then_powers_of_two(attempt: Any) -> None:
    for _ in range(40):
        query()
    ((_, _, _, count, *_, [[stack, sampled]]),) = attempt.rows
    assert (count, sampled) == (40, 8 + len([16, 32]))
    assert stack[0][0] == __file__


def test_a_failing_query_is_counted_and_raises(attempt: Any) -> None:
    def refuse(*_: Any) -> None:
        raise LookupError("no such table")

    with pytest.raises(LookupError, match="no such table"):
        django_queries._observe(refuse, "SELECT 1", (), False, {"connection": CONNECTION})
    assert [row[3] for row in attempt.rows] == [1]


@pytest.mark.parametrize(
    ("sql", "expected"), [(b"SELECT 1", "SELECT 1"), (type("Text", (str,), {})("SELECT 1"), "SELECT 1"), (7, "7")]
)
def test_statements_that_are_no_plain_text(attempt: Any, sql: object, expected: str) -> None:
    query(sql)
    assert [row[1] for row in attempt.rows] == [expected]


def test_a_mistake_of_ours_is_noted_and_not_raised(
    attempt: Any, problems: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def mistaken(_: object) -> None:
        raise KeyError("missing")

    monkeypatch.setattr(queries, "stack_of", mistaken)
    for _ in range(3):
        assert query() == ("SELECT 1", ("a",), False)
    assert problems == ["a query was not counted: KeyError('missing')"]


def test_a_time_limit_that_strikes_inside_of_the_capture_reaches_the_task(
    attempt: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    class TimeLimitError(Exception):
        pass

    def strike(*_: object) -> None:
        raise TimeLimitError

    before = signal.signal(signal.SIGUSR1, strike)
    try:
        monkeypatch.setattr(queries, "stack_of", lambda _: signal.raise_signal(signal.SIGUSR1))
        with pytest.raises(TimeLimitError):
            query()
    finally:
        signal.signal(signal.SIGUSR1, before)


def test_problems_do_not_pile_up(problems: list[str]) -> None:
    for number in range(30):
        queries.note(f"problem {number}")
        queries.note(f"problem {number}")
    assert problems == [f"problem {number}" for number in range(20)]


def test_each_problem_is_reported_once(problems: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[str] = []
    monkeypatch.setattr(queries, "_report", told.append)
    for problem in ("one", "two", "one"):
        queries.note(problem)
    assert told == ["one", "two"]


def test_a_report_that_cannot_be_written_disturbs_nobody(problems: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: str) -> None:
        raise OSError("no space left on device")

    monkeypatch.setattr(queries, "_report", full)
    queries.note("one")
    assert problems == ["one"]


def test_queries_of_the_body_are_numbered_before_they_run(attempt: Any) -> None:
    attempt.heeds_queries = True
    for sql in ("BEGIN", "SELECT 1", 'SAVEPOINT "a"', b"SELECT 2", "COMMIT"):
        query(sql)
    attempt.capture.phase = "hooks"
    query()
    assert attempt.numbers == [1, 2, 0]
    assert attempt.answers == 6


def test_nobody_is_asked_where_no_fault_waits_for_a_query(attempt: Any) -> None:
    query()
    assert (attempt.numbers, attempt.answers) == ([], 0)


def test_what_a_fault_raises_keeps_the_query_from_running(attempt: Any) -> None:
    def strike(number: int, _sql: str, _alias: str) -> None:
        raise ConnectionError(number)

    attempt.heeds_queries = True
    attempt.on_query = strike
    with pytest.raises(ConnectionError):
        query()
    assert attempt.rows == []


def test_without_an_execution_nothing_is_counted_and_nothing_amiss() -> None:
    assert query() == ("SELECT 1", ("a",), False)
    assert queries.unattributed == 0


def test_an_execution_without_a_capture_is_none_of_our_business(attempt: Any) -> None:
    attempt.capture = None
    assert query() == ("SELECT 1", ("a",), False)
    assert queries.unattributed == 0


def test_a_query_that_could_belong_to_two_executions_belongs_to_none(attempt: Any) -> None:
    other: Any = Attempt()
    scope = context.enter(other)
    asked = threading.Event()

    def ask() -> None:
        query()
        asked.set()

    _thread.start_new_thread(ask, ())
    assert asked.wait(10)
    context.leave(scope)
    assert queries.unattributed == 1
    assert (attempt.rows, other.rows) == ([], [])


def test_after_the_summary_nothing_is_counted(attempt: Any, problems: list[str]) -> None:
    assert attempt.rows == []
    query()
    assert attempt.rows == []
    assert problems == ["a thread that outlived its task made queries, which belong to no execution"]


def test_many_different_texts_keep_the_count_and_the_verb(attempt: Any) -> None:
    for number in range(queries.MOST_STATEMENTS + 5):
        query(f"UPDATE t SET a = {number}")
    rows = attempt.rows
    assert len(rows) == queries.MOST_STATEMENTS + 1
    assert rows[-1][1].startswith("UPDATE /* one of more than 2000")
    assert sum(row[3] for row in rows) == queries.MOST_STATEMENTS + 5


def test_threads_of_one_task_lose_no_count(attempt: Any) -> None:
    """Counting takes no lock; this is what says that it needs none."""
    each, interval = 20_000, sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        threads = [threading.Thread(target=lambda: [query() for _ in range(each)]) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(interval)
    assert [row[3] for row in attempt.rows] == [4 * each]


def test_opening_a_connection_is_timed_and_its_queries_are_told_apart(attempt: Any) -> None:
    connection = Connection()

    def connect(opened: Any) -> None:
        query("SET names", connection=opened)

    django_queries._timed(connect)(connection)
    query(connection=connection)
    assert attempt.capture.connects == 1
    assert attempt.capture.connect_ns > 0
    assert [row[2] for row in attempt.rows] == ["connect", "body"]


def test_a_connection_that_is_refused_is_no_longer_being_opened(attempt: Any) -> None:
    def refuse(_: Any) -> None:
        raise ConnectionRefusedError

    with pytest.raises(ConnectionRefusedError):
        django_queries._timed(refuse)(CONNECTION)
    query()
    assert [row[2] for row in attempt.rows] == ["body"]


def test_the_wrapper_is_outermost_and_single() -> None:
    connection: Any = Connection()
    theirs = object()
    connection.execute_wrappers = [theirs]
    django_queries._attach(connection)
    django_queries._attach(connection)
    assert connection.execute_wrappers == [django_queries._observe, theirs]
