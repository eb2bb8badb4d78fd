"""Each execution that has a start has an end, whatever goes wrong with what it is measured by."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from pytest_celery_perf import count
from pytest_celery_perf.probe import context, django_glue, effects, wire
from pytest_celery_perf.probe.attempt import with_body
from pytest_celery_perf.probe.executions import ExecutionWatch
from pytest_celery_perf.probe.faults import Faults
from pytest_celery_perf.probe.instruments import cache, garbage
from pytest_celery_perf.probe.orders import HEADER, FaultOrder
from tests.unit.probe.conftest import Journal

TASK = SimpleNamespace(name="shop.charge", acks_late=False)


def execute(
    journal: Journal,
    *,
    body: Callable[[], object] = lambda: None,
    failure: Exception | None = None,
    doer: Faults | None = None,
    **header: Any,
) -> None:
    """Run a task once, as Celery's tracer does."""
    watch: Any = ExecutionWatch(journal, doer, "")  # type: ignore[arg-type]
    watch.configure("prefork")
    watch._ran.add(TASK.name)

    def trace(*_: Any) -> Any:
        body()
        info = None if failure is None else SimpleNamespace(state="FAILURE", retval=failure)
        return None, info, 0.1, ""

    request = {HEADER: {"t": "token", "received": 1, **header}}
    watch.watched(TASK, trace)("id", (), {}, request)
    assert context.active() == 0


def fail(*_: Any) -> Any:
    raise LookupError("no such thing")


def test_an_instrument_that_cannot_begin_is_left_out(journal: Journal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache, "begin", fail)
    execute(journal, measure=["garbage", "cache", "memory"])
    assert len(journal.of(wire.Finished)) == 1
    assert {record.instrument for record in journal.of(wire.Measured)} == {"garbage", "memory"}
    assert journal.problems == ["cache of shop.charge is not measured: LookupError('no such thing')"]


def test_an_instrument_that_cannot_end_is_left_out(journal: Journal, monkeypatch: pytest.MonkeyPatch) -> None:
    end = garbage._Reading.end
    monkeypatch.setattr(garbage._Reading, "end", lambda reading: [end(reading), fail()])
    execute(journal, measure=["garbage", "memory"])
    assert [record.outcome for record in journal.of(wire.Finished)] == ["succeeded"]
    assert [record.instrument for record in journal.of(wire.Measured)] == ["memory"]
    assert journal.problems == ["garbage of shop.charge is not measured: LookupError('no such thing')"]


def test_a_sum_that_is_not_known_is_left_out(journal: Journal) -> None:
    def body() -> None:
        count("rows", Decimal(3))
        count("euros", "a lot")  # type: ignore[arg-type]

    execute(journal, body=body)
    assert [record.rows for record in journal.of(wire.Measured)] == [[["rows", 3.0]]]
    assert journal.problems == ["count('euros') of shop.charge is not known: str is no finite number"]


def test_touch_points_that_would_not_be_all_are_none(journal: Journal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(effects, "install", fail)
    execute(journal, touch=True)
    assert (len(journal.of(wire.Finished)), journal.of(wire.Touched)) == (1, [])
    assert journal.problems == ["the touch points of shop.charge are not seen: LookupError('no such thing')"]


def test_what_a_signal_raises_at_the_start_is_raised_where_it_strikes_in_production(
    journal: Journal, tmp_path: Path
) -> None:
    """As SIGQUIT to a solo worker does: its handler runs in the middle of what the pool executes."""
    order = FaultOrder(key="1", task=None, do="stop-worker", at="started", signal=signal.SIGUSR2)
    told: list[str] = []

    def body() -> None:
        with pytest.raises(LookupError):
            with_body(lambda: told.append("ran on"), TASK.name)()
        told.append("struck")

    before = signal.signal(signal.SIGUSR2, fail)
    try:
        faults = Faults(str(tmp_path), journal)  # type: ignore[arg-type]
        execute(journal, body=body, doer=faults, faults=[asdict(order)])
    finally:
        signal.signal(signal.SIGUSR2, before)
    assert told == ["struck"]
    assert len(journal.of(wire.Finished)) == 1
    assert journal.problems == []


def test_what_ends_the_process_is_not_what_the_task_has_come_to(journal: Journal) -> None:
    with pytest.raises(SystemExit):
        execute(journal, body=sys.exit)
    (finished,) = journal.of(wire.Finished)
    assert (finished.outcome, finished.error) == (None, None)


def test_an_exception_without_a_text(journal: Journal) -> None:
    class MuteError(Exception):
        __str__ = fail

    execute(journal, failure=MuteError())
    (finished,) = journal.of(wire.Finished)
    assert (finished.outcome, finished.error[1]) == ("failed", "(its text cannot be made)")
    assert journal.problems == []


def test_a_thread_runs_no_task_of_a_test_before_another_has_forgotten_the_test_before(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else it would take the old keys of content types, or be refused a database of its own."""
    context.configure("threads")
    watch: Any = ExecutionWatch(journal, None, "")  # type: ignore[arg-type]
    watch.configure("threads")
    watch._ran.add(TASK.name)
    told: list[str] = []
    begun, ran = threading.Event(), threading.Event()

    def forget() -> None:
        begun.set()
        ran.wait(0.5)  # as long as the other thread may take that does not wait
        told.append("forgot")

    def trace(*_: Any) -> Any:
        told.append("ran")
        ran.set()
        return None, None, 0.1, ""

    monkeypatch.setattr(django_glue, "clear_stale_caches", forget)
    run = watch.watched(TASK, trace)
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(run, "1", (), {}, {HEADER: {"t": "token", "received": 1}})
        assert begun.wait(60.0)
        second = pool.submit(run, "2", (), {}, {HEADER: {"t": "token", "received": 2}})
        for each in (first, second):
            each.result(60.0)
    assert told == ["forgot", "ran", "ran"]
    assert journal.problems == []
