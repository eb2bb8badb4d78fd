from __future__ import annotations

import pytest

from pytest_celery_perf.measure.summary import Run
from pytest_celery_perf.model.history import History
from pytest_celery_perf.model.record import Outcome
from tests.unit.histories import execution, failed, history, publication, retried, worker


def ten() -> History:
    """Ten tasks, published a millisecond apart, of which two run at a time for 20 ms each."""
    messages = tuple(publication(f"t{n}", ms=n) for n in range(10))
    runs = (execution(f"t{n}", received=n, started=10 + 20 * (n // 2), body=20) for n in range(10))
    return history(*runs, publications=messages)


def test_the_pace_of_a_run() -> None:
    run = Run.of(ten())
    assert run.throughput == pytest.approx(10 / 0.110)
    assert run.drain_s == pytest.approx(0.110 - 0.009)
    assert run.concurrency == 2
    assert run.pace is not None
    assert run.pace.arrivals_per_s == pytest.approx(1000)


def test_a_share_of_the_tasks_is_there_in_time() -> None:
    run = Run.of(ten())
    assert [0.0, 0.2, 0.4, 1.0] == [run.share_within(within) for within in (0.001, "30ms", "48ms", 1)]


def test_who_fails_or_has_not_ended_is_late() -> None:
    run = Run.of(
        history(execution("t1"), failed("t2"), publications=(publication("t1"), publication("t2"), publication("t3")))
    )
    assert run.share_within("1min") == pytest.approx(1 / 3)


def test_rates_of_what_went_wrong() -> None:
    again = execution("t1", retries=1, received=20, started=21)
    twice = execution("t3", delivery=2, received=40, started=41)
    run = Run.of(history(retried("t1", countdown_s=1), again, failed("t2"), execution("t3"), twice, execution("t4")))
    assert run.failure_rate == pytest.approx(1 / 4)
    assert run.retry_rate == pytest.approx(1 / 6)
    assert run.duplicate_rate == pytest.approx(1 / 4)


def test_what_was_thrown_away_has_failed_as_well() -> None:
    expired = publication("t2", discarded=Outcome.REVOKED, expired=True)
    unknown = publication("t3", discarded=Outcome.REJECTED)
    run = Run.of(history(execution("t1"), publications=(publication("t1"), expired, unknown)))
    assert run.failure_rate == pytest.approx(2 / 3)


def test_nothing_is_known_of_nothing() -> None:
    run = Run.of(history())
    figures = (run.throughput, run.drain_s, run.concurrency, run.failure_rate, run.retry_rate, run.duplicate_rate)
    assert figures == (None,) * 6
    assert run.share_within(1) is None


def test_a_foreign_clock_leaves_the_counts() -> None:
    run = Run.of(history(execution("t1"), failed("t2"), workers=(worker(comparable_clock=False),)))
    assert (None, None, None) == (run.throughput, run.drain_s, run.share_within(1))
    assert run.failure_rate == pytest.approx(1 / 2)


def test_an_unfinished_task_has_no_part_in_the_throughput() -> None:
    unfinished = execution("t2", ended=False)
    run = Run.of(
        history(
            execution("t1", received=1, started=2, body=98),
            unfinished,
            publications=(publication("t1"), publication("t2")),
        )
    )
    assert run.throughput == pytest.approx(10)
