from __future__ import annotations

from typing import Any

import pytest

from pytest_celery_perf.measure.queues import queues_of
from pytest_celery_perf.model.record import Outcome
from tests.unit.histories import at, execution, history, publication, worker


def test_ten_that_waited_and_then_none() -> None:
    messages = tuple(publication(f"t{n}", ms=n) for n in range(10))
    runs = (execution(f"t{n}", received=20 + 5 * n, started=21 + 5 * n, body=2) for n in range(10))
    queue = queues_of(history(*runs, publications=messages))["celery"]
    assert (10, 0) == (queue.depth.max, queue.depth.last)
    assert (5, 10, 9) == (queue.depth.at(at(4)), queue.depth.at(at(19)), queue.depth.at(at(20)))
    assert (10, 10) == (queue.arrivals, queue.departures)
    assert queue.arrivals_per_s == pytest.approx(1000)
    assert queue.departures_per_s == pytest.approx(200)
    assert queue.wait.max == pytest.approx(0.057)


def test_what_nobody_takes_stays() -> None:
    queue = queues_of(history(publications=(publication(queue="nowhere"),)))["nowhere"]
    assert (1, 1, 0) == (queue.depth.last, queue.arrivals, queue.departures)
    assert queue.departures_per_s is None


def test_what_is_put_back_comes_again() -> None:
    first = execution(received=2, started=3, body=1, outcome=Outcome.REJECTED, requeued_ns=at(5))
    second = execution(received=9, started=10, delivery=2)
    queue = queues_of(history(first, second))["celery"]
    assert (2, 2) == (queue.arrivals, queue.departures)
    assert [0, 1, 0] == [queue.depth.at(at(ms)) for ms in (4, 6, 9)]


def test_a_redelivery_that_nobody_saw_coming_is_no_second_message() -> None:
    lost = execution(received=2, started=3, ended=False)
    queue = queues_of(history(lost, execution(received=900, started=901, delivery=2, redelivered=True)))["celery"]
    assert (1, 1, 0) == (queue.arrivals, queue.departures, queue.depth.last)


@pytest.mark.parametrize("fields", [{"discarded": Outcome.REVOKED}, {"confirmed": False}])
def test_what_left_nobody_knows_when_is_left_out(fields: dict[str, Any]) -> None:
    queue = queues_of(history(publications=(publication(**fields),)))["celery"]
    assert (0, 0) == (queue.arrivals, queue.depth.max)


def test_clocks_that_cannot_be_compared() -> None:
    queue = queues_of(history(execution(), workers=(worker(comparable_clock=False),)))["celery"]
    assert (0, 0) == (queue.arrivals, queue.wait.count)
