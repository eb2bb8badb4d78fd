"""Phases are differences of times that can be compared, and absent otherwise."""

from __future__ import annotations

from typing import Any

import pytest

from pytest_celery_perf.measure.lives import lives
from pytest_celery_perf.measure.phases import Clocks, Phases, end_to_end_ns, phases_of
from pytest_celery_perf.model.history import History
from pytest_celery_perf.model.record import Execution
from tests.unit.histories import NS_PER_MS, at, crashed, execution, history, publication, retried, worker

CLOCKS = Clocks(History())
FOREIGN = Clocks(History(workers=(worker(comparable_clock=False),)))


def ms(phases: Phases) -> tuple[float | None, ...]:
    measured = (phases.queue_ns, phases.prefetch_ns, phases.runtime_ns, phases.unacknowledged_ns)
    return tuple(None if ns is None else ns / NS_PER_MS for ns in measured)


def test_the_phases_of_an_undisturbed_execution() -> None:
    ran = execution(received=3, started=7, body=10, acknowledged_ns=at(18))
    assert ms(phases_of(ran, publication(ms=1), CLOCKS)) == (6, 4, 10, 15)


def test_an_execution_that_did_not_end_has_no_runtime() -> None:
    assert ms(phases_of(crashed(received=3, started=7), publication(ms=1), CLOCKS)) == (6, 4, None, None)


def test_an_execution_that_was_not_started_has_no_phases() -> None:
    assert ms(phases_of(execution(started=None), publication(), CLOCKS)) == (None, None, None, None)


def test_a_delay_that_was_asked_for_is_neither_queue_nor_prefetch() -> None:
    delayed = publication(ms=1, countdown_s=0.1)
    assert ms(phases_of(execution(received=2, started=104), delayed, CLOCKS))[:2] == (3, 3)


def test_of_a_compressed_delay_the_part_that_was_waited_counts() -> None:
    delayed = publication(ms=1, countdown_s=600, waited_s=0.1)
    assert ms(phases_of(execution(received=2, started=104), delayed, CLOCKS))[:2] == (3, 3)


def test_a_message_received_after_its_delay_was_not_prefetched_before() -> None:
    delayed = publication(ms=1, countdown_s=0.1)
    assert ms(phases_of(execution(received=150, started=154), delayed, CLOCKS))[:2] == (53, 4)


def test_a_start_slightly_before_the_delay_ended_is_no_negative_time() -> None:
    delayed = publication(ms=1, countdown_s=0.1)
    assert ms(phases_of(execution(received=2, started=100.9), delayed, CLOCKS))[:2] == (0, 0)


@pytest.mark.parametrize("again", [{"redelivered": True}, {"delivery": 2}])
def test_a_redelivery_has_no_time_in_queue(again: dict[str, Any]) -> None:
    assert ms(phases_of(execution(received=3, started=7, **again), publication(ms=1), CLOCKS))[:2] == (None, 4)


@pytest.mark.parametrize(
    ("published", "clocks", "expected"),
    [
        (None, CLOCKS, (None, 4)),
        (publication(ms=1), FOREIGN, (None, 4)),
        (publication(ms=1, countdown_s=1), FOREIGN, (None, None)),
        (publication(ms=1, boot="boot-1"), FOREIGN, (6, 4)),  # a retry, published by the worker that ran it
        (publication(ms=1, boot="boot-2"), FOREIGN, (None, 4)),
    ],
)
def test_times_of_clocks_that_differ_are_not_subtracted(
    published: Any, clocks: Clocks, expected: tuple[float | None, float | None]
) -> None:
    assert ms(phases_of(execution(received=3, started=7), published, clocks))[:2] == expected


def end_to_end_ms(*executions: Execution, clocks: Clocks = CLOCKS, **told: Any) -> float | None:
    (life,) = lives(history(*executions, **told))
    measured_ns = end_to_end_ns(life, clocks)
    return None if measured_ns is None else measured_ns / NS_PER_MS


def test_end_to_end_reaches_from_the_first_publication_to_the_end_of_the_last_attempt() -> None:
    first, second = retried(countdown_s=1), execution(retries=1, received=50, started=52, body=8)
    assert end_to_end_ms(first, second) == 60


def test_end_to_end_is_absent_without_an_end_a_publication_or_one_clock() -> None:
    assert end_to_end_ms(crashed()) is None
    assert end_to_end_ms(execution(), publications=()) is None
    assert end_to_end_ms(execution(retries=1)) is None
    assert end_to_end_ms(execution(), clocks=FOREIGN) is None


def test_what_was_published_late_counts_from_when_it_was_meant_to_be() -> None:
    late = publication(ms=2, intended_ns=at(-100))
    assert ms(phases_of(execution(received=3, started=7), late, CLOCKS))[:2] == (107, 4)
    assert end_to_end_ms(execution(started=7, body=8), publications=(late,)) == 115
