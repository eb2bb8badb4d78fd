"""The figures of a load: what a publisher that was held up hides, and what it cannot hide."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pytest_celery_perf.measure.load import Load, Stall, longest_stall
from pytest_celery_perf.model.load import ClosedLoop, OpenLoop
from pytest_celery_perf.model.record import Outcome
from tests.unit.histories import at, execution, failed, history, publication

OPEN = OpenLoop(rate_per_s=(100, 100), duration_s=1)
S = 10**9


def test_latency_counts_from_when_a_task_was_meant_to_be_published() -> None:
    """One worker, 10 ms a task; it stalls, and with it the publisher: 100 ms late, it publishes the rest at once."""
    publications = [publication(f"t{n}", ms=100, intended_ns=at(n * 10)) for n in range(10)]
    executions = [execution(f"t{n}", received=101, started=110 + 10 * n, body=10) for n in range(10)]
    load = Load.of(history(*executions, publications=publications), OPEN, ())
    assert [load.latency.min, load.latency.max] == [0.12, 0.12]
    assert [load.since_published.min, load.since_published.max] == [0.02, 0.11]
    assert [load.lag.min, load.lag.max] == [0.01, 0.1]
    assert (load.tasks, load.done, load.failed) == (10, 10, 0)
    assert load.intended_rate == pytest.approx(100)
    assert load.actual_rate is None  # all at one moment
    assert load.throughput == pytest.approx(10 / 0.21)
    assert load.drain_s == pytest.approx(0.11)
    assert load.stall == Stall(at_s=0.0, lasting_s=0.12, waiting=10)


def test_a_closed_loop_has_neither_schedule_nor_lag() -> None:
    publications = [publication(f"t{n}", ms=20 * n) for n in range(3)]
    executions = [execution(f"t{n}", received=20 * n + 1, started=20 * n + 2, body=8) for n in range(3)]
    load = Load.of(history(*executions, publications=publications), ClosedLoop(in_flight=(1, 1), count=3), ())
    assert (load.intended_rate, load.lag.count) == (None, 0)
    assert load.actual_rate == pytest.approx(50)
    assert load.latency.samples_ns == load.since_published.samples_ns
    assert load.drain_s == pytest.approx(0.01)


def test_children_are_no_part_of_the_load() -> None:
    parent, child = publication("t1"), publication("t2", root_id="t1", parent_id="t1", boot="boot-1", ms=5)
    both = [execution("t1"), execution("t2", root_id="t1", parent_id="t1", started=500)]
    load = Load.of(history(*both, publications=[parent, child]), ClosedLoop(count=1), ())
    assert (load.tasks, load.run.tasks, load.latency.count) == (1, 2, 1)


def test_tasks_that_failed_are_done_and_those_without_an_end_are_not() -> None:
    executions = [execution("t1"), failed("t2"), execution("t3", ended=False)]
    publications = [publication(f"t{n}") for n in (1, 2, 3)]
    load = Load.of(history(*executions, publications=publications), ClosedLoop(count=3), ())
    assert (load.tasks, load.done, load.failed) == (3, 2, 1)


def test_nothing_was_done() -> None:
    load = Load.of(history(publications=[publication()]), ClosedLoop(count=1), ())
    assert (load.done, load.throughput, load.drain_s, load.stall) == (0, None, None, None)


def test_how_many_were_too_late() -> None:
    executions = [execution(f"t{n}", started=2, body=n) for n in (8, 18, 28)]
    publications = [publication(f"t{n}") for n in (8, 18, 28)]
    load = Load.of(history(*executions, publications=publications), ClosedLoop(count=3), ())
    assert [3, 2, 1, 0] == [load.later_than(budget_s) for budget_s in (0.009, 0.010, 0.025, 0.030)]


def test_who_is_late_and_failed_has_missed_its_budget_once() -> None:
    late = replace(failed("t2"), ended_ns=at(900))
    executions = [execution("t1", started=2, body=8), late, execution("t4", ended=False)]
    revoked = replace(publication("t3"), discarded=Outcome.REVOKED)
    publications = [publication("t1"), publication("t2"), revoked, publication("t4")]
    load = Load.of(history(*executions, publications=publications), ClosedLoop(count=4), ())
    assert [4, 3] == [load.missed(budget_s) for budget_s in (0.005, 0.5)]


@pytest.mark.parametrize(
    ("due_s", "done_s", "stall"),
    [
        ([0, 1, 2], [0.5, 1.5, 2.5], Stall(at_s=0, lasting_s=0.5, waiting=1)),
        ([0, 10], [1, 11], Stall(at_s=0, lasting_s=1, waiting=1)),  # between the two there was nothing to do
        ([0, 0.1, 0.2, 0.3], [0.2, 2.2, 2.3, 2.4], Stall(at_s=0.2, lasting_s=2, waiting=3)),
        ([0, 1], [0.5], Stall(at_s=0, lasting_s=0.5, waiting=1)),  # what never ended
        ([], [], None),
    ],
)
def test_the_longest_stall(due_s: list[float], done_s: list[float], stall: Stall | None) -> None:
    found = longest_stall([round(each * S) for each in due_s], [round(each * S) for each in done_s], 0)
    assert found == stall


def test_a_task_that_was_revoked_makes_no_stalls_of_the_gaps_after_it() -> None:
    """Nothing was left to do between the end of each of the others and the next one."""
    revoked = replace(publication("t0"), discarded=Outcome.REVOKED)
    publications = [revoked, *(publication(f"t{n}", ms=1000 * n) for n in (1, 2, 3))]
    executions = [execution(f"t{n}", received=1000 * n + 1, started=1000 * n + 2, body=8) for n in (1, 2, 3)]
    load = Load.of(history(*executions, publications=publications), OPEN, ())
    assert load.stall == Stall(at_s=1.0, lasting_s=0.01, waiting=1)


def test_a_failed_assertion_shows_figures_and_no_records() -> None:
    publications = [publication(f"t{n}", ms=10 * n + 1, intended_ns=at(10 * n)) for n in range(20)]
    executions = [execution(f"t{n}", received=10 * n + 2, started=10 * n + 3, body=5) for n in range(20)]
    load = Load.of(history(*executions, publications=publications), OPEN, ())
    assert repr(load) == (
        "Load(open loop, 20 of 20 tasks done, 0 failed, published 100/s, done 101/s, p50 8ms, p95 8ms, max 8ms, "
        "published up to 1ms late, longest stall 8ms at 0s)"
    )
    nothing = Load.of(history(publications=[publication()]), ClosedLoop(count=1), ())
    assert repr(nothing) == "Load(closed loop, 0 of 1 tasks done, 0 failed)"
