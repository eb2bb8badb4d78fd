"""``celery_perf.load`` and ``celery_perf.capacity``, as a user has them; all of these pass."""

from __future__ import annotations

from itertools import pairwise

import pytest
from office import add, fan_out, fragile, nap, silent

from pytest_celery_perf import CeleryFaults, CeleryPerf, ConfigurationError, UnfinishedTasksError
from pytest_celery_perf.model.load import Published, Way

one_process = pytest.mark.celery_worker(name="one", pool="solo")


def test_an_open_loop(celery_perf: CeleryPerf) -> None:
    load = celery_perf.load(silent, rate=200, duration="1s", arrivals="constant")
    assert (load.tasks, load.done, load.failed, load.run.succeeded) == (200, 200, 0, 200)
    assert load.published == (Published(task="office.silent", way=Way.COPIES),)
    assert load.intended_rate == pytest.approx(200)
    assert load.lag.count == load.latency.count == 200
    assert 0 < load.latency.p50 <= load.latency.p95 <= load.latency.p99
    planned = sorted(each.intended_ns for each in load.run.history.publications)
    assert {after - before for before, after in pairwise(planned)} == {5_000_000}
    assert all(each.published_ns >= each.intended_ns for each in load.run.history.publications)


def test_arrivals_are_those_of_their_seed(celery_perf: CeleryPerf) -> None:
    def gaps(seed: int) -> list[int]:
        load = celery_perf.load(silent, rate=(50, 400), count=100, seed=seed)
        planned = [each.intended_ns for each in load.run.history.publications]
        return sorted(each - min(planned) for each in planned)

    assert gaps(1) == gaps(1) != gaps(2)


@one_process
def test_a_stall_is_seen_by_all_who_were_to_be_served_meanwhile(celery_perf: CeleryPerf) -> None:
    load = celery_perf.load(nap, args=lambda number: (0.5 if number == 20 else 0,), rate=100, count=100)
    assert load.stall.lasting_s >= 0.5
    assert load.stall.waiting >= 20
    assert load.later_than(0.25) >= 10


@pytest.mark.celery_fault(kind="freeze", at="started", lasting="500ms")
def test_a_frozen_worker_is_a_stall(celery_perf: CeleryPerf) -> None:
    load = celery_perf.load(silent, rate=100, duration="1.5s")
    assert load.stall.lasting_s >= 0.5
    assert load.later_than(0.25) >= 10


@pytest.mark.celery_drill("deploy")
@pytest.mark.celery_worker(name="left", concurrency=1)
@pytest.mark.celery_worker(name="right", concurrency=1)
def test_a_drill_is_no_pause_in_the_load(celery_perf: CeleryPerf) -> None:
    load = celery_perf.load(silent, rate=50, duration="2s")
    faults = [fault.at_ns for fault in load.run.history.faults]
    meanwhile = [each for each in load.run.history.publications if min(faults) < each.published_ns < max(faults)]
    assert len(meanwhile) >= 5
    assert load.done == load.tasks


def test_a_closed_loop_keeps_so_many_in_flight(celery_perf: CeleryPerf) -> None:
    history = celery_perf.load(silent, count=60, in_flight=3).run.history
    ends = {each.task_id: each.ended_ns for each in history.executions}
    for publication in history.publications:
        before = [each for each in history.publications if each.published_ns <= publication.published_ns]
        assert sum(ends[each.task_id] > publication.published_ns for each in before) <= 3


def test_a_closed_loop_for_some_time(celery_perf: CeleryPerf) -> None:
    load = celery_perf.load(silent, duration="2s", in_flight=(1, 5))
    assert load.tasks == load.done > 5
    assert (load.intended_rate, load.lag.count) == (None, 0)


def test_the_timeout_of_a_closed_loop_counts_from_its_duration_on(celery_perf: CeleryPerf) -> None:
    load = celery_perf.load(nap, (0.1,), duration="5s", in_flight=1, timeout="3s")
    published_ns = [each.published_ns for each in load.run.history.publications]
    assert max(published_ns) - min(published_ns) > 3e9


def test_all_at_once(celery_perf: CeleryPerf) -> None:
    load = celery_perf.load(silent, count=1200)
    assert (load.tasks, load.done, load.run.lost) == (1200, 1200, 0)
    assert load.drain_s > 0


def test_each_task_has_its_arguments(celery_perf: CeleryPerf) -> None:
    load = celery_perf.load(fragile, args=lambda number: (number % 4 == 0,), count=80)
    assert (load.done, load.failed) == (80, 20)
    assert load.published[0].way is Way.COPIES


def test_a_mix(celery_perf: CeleryPerf) -> None:
    load = celery_perf.load([(add.s(1, y=2), 3), ("office.silent", 1)], count=200, rate=400)
    assert {name: row.succeeded for name, row in load.run.by_task.items()} == {"office.add": 150, "office.silent": 50}
    assert {each.way for each in load.published} == {Way.COPIES}
    by_task = celery_perf.load({fragile: 1, silent: 1}, count=8).run.by_task
    assert {name: row.succeeded for name, row in by_task.items()} == {"office.fragile": 4, "office.silent": 4}


def test_children_are_waited_for_and_no_part_of_the_load(celery_perf: CeleryPerf) -> None:
    load = celery_perf.load(fan_out, (2,), count=10)
    assert (load.tasks, load.latency.count, load.run.tasks, load.run.succeeded) == (10, 10, 30, 30)


def test_several_publishers(celery_perf: CeleryPerf) -> None:
    load = celery_perf.load(
        {fragile: 1, silent: 2}, rate=300, count=150, publishers=2, arrivals="constant", timeout="30s"
    )
    assert (load.tasks, load.done, load.failed) == (150, 150, 0)
    planned = sorted(each.intended_ns for each in load.run.history.publications)
    gaps_ms = [round((after - before) / 1e6, 2) for before, after in pairwise(planned)]
    assert sum(gap != 3.33 for gap in gaps_ms) <= 1, "the schedule stands still while the publishers prepare"
    assert gaps_ms[-100:] == [3.33] * 100


def test_what_one_by_one_means(celery_perf: CeleryPerf) -> None:
    load = celery_perf.load(silent, count=30, rate="18000/min", bulk=False)
    assert load.published == (Published(task="office.silent", way=Way.SINGLY, reason="bulk=False"),)
    assert (load.done, load.lag.count) == (30, 30)


@one_process
@pytest.mark.celery_worker(name="idle", queues="elsewhere", concurrency=3)
def test_the_capacity_of_one_process(celery_perf: CeleryPerf) -> None:
    capacity = celery_perf.capacity(nap, (0.02,), p95="200ms", between=(20, 400), precision=0.2, duration="1s")
    assert capacity.breaks_at is not None
    assert capacity.workers == 1  # the other one has none of its tasks
    unjudged = [each for each in celery_perf.history.publications if each.intended_ns is None]
    assert len(unjudged) == 2 * (1 + 3)
    # It cannot run more than 50 a second: with 75, the last ones of a second would wait for half a second.
    assert all(step.held is False for step in capacity.steps if step.rate_per_s > 75)
    if capacity.rate is not None:
        assert capacity.workers_for(10 * capacity.rate) == 10


def test_what_was_copied_is_diagnosed_as_any_other_task(celery_perf: CeleryPerf, celery_faults: CeleryFaults) -> None:
    held = celery_faults.hold(silent, times=6)
    with held, pytest.raises(UnfinishedTasksError, match=r"6 of 6 tasks had not finished"):
        celery_perf.load(silent, count=6, timeout=0.2)
    assert celery_perf.wait().succeeded == 6


def test_a_closed_loop_without_enough_time(celery_perf: CeleryPerf) -> None:
    words = r"\d of 50 tasks were published, 1 in flight at once, when 500ms were over: give more time by timeout="
    with pytest.raises(UnfinishedTasksError, match=words):
        celery_perf.load(nap, (0.2,), count=50, in_flight=1, timeout=0.5)


def test_tasks_that_fail_are_no_capacity(celery_perf: CeleryPerf) -> None:
    capacity = celery_perf.capacity(fragile, (True,), p95=30, between=(50, 100), duration="1s")
    assert (capacity.rate, capacity.breaks_at, capacity.workers_for(10)) == (None, 50, None)
    assert "breaks at 50/s, where " in repr(capacity)
    assert "tasks failed" in repr(capacity)


def test_mistakes(celery_perf: CeleryPerf) -> None:
    load, capacity = celery_perf.load, celery_perf.capacity
    for call, words in (
        (lambda: load(add), "celery_perf.load: how many tasks, or for how long? give count= or duration="),
        (lambda: load(add, count=0), "celery_perf.load: count=0 is not a whole number from 1"),
        (lambda: load(add, duration="long", rate=1), "celery_perf.load: duration='long': expected seconds"),
        (lambda: load(add, duration=0, rate=1), "celery_perf.load: duration=0: expected more than 0"),
        (lambda: load(add, duration=1), "duration= needs a rate= (open loop) or in_flight= (closed loop)"),
        (lambda: load(add, count=1, rate=0), "celery_perf.load: rate=0: expected more than 0"),
        (lambda: load(add, count=1, rate="fast"), "rate='fast': expected times in a second as a number, or a text"),
        (lambda: load(add, count=1, rate=(1, 2, 3)), "rate=(1, 2, 3): expected one number, or for a ramp a pair of"),
        (lambda: load(add, count=1, rate=1, in_flight=1), "rate=1 is an open loop, in_flight=1 a closed one: give one"),
        (lambda: load(add, count=1, rate=1, duration=1), "count=1 and duration=1 are two ends of one loop: give one"),
        (lambda: load(add, count=1, in_flight=0), "celery_perf.load: in_flight=0 is not a whole number from 1"),
        (lambda: load(add, count=1, rate=1, arrivals="late"), "arrivals='late' is not one of constant, poisson"),
        (lambda: load(add, count=1, rate=1, seed="x"), "seed='x' is not a whole number from 0"),
        (lambda: load(add, count=1, rate=1, publishers=0), "publishers=0 is not a whole number from 1"),
        (lambda: load(add, count=1, publishers=2), "publishers=2 needs a rate=: a closed loop waits for its tasks"),
        (lambda: load(add, count=1, rate=1, publishers=2, bulk=False), "publishers=2 copy messages, which bulk=False"),
        (lambda: load(add, "ab", count=1), "celery_perf.load: args='ab': expected a list or tuple of arguments"),
        (lambda: load(add, 5, count=1), "celery_perf.load: args=5: expected a list or tuple of arguments"),
        (lambda: load(add, lambda number: number, count=1), "args= has returned 0 for task 0: expected a list or"),
        (lambda: load(add, count=1, arrivals="constant"), "arrivals='constant', seed=0 need a rate=: in a closed loop"),
        (lambda: load(add, count=1, seed=3), "arrivals='poisson', seed=3 need a rate=: in a closed loop"),
        (lambda: load("office.ad", count=1), "there is no task 'office.ad' in office:app; did you mean 'office.add'"),
        (lambda: load({}, count=1), "{} is neither a task, its name or a signature, nor several of these"),
        (lambda: load([(add, 1), 3], count=1), "nor several of these with their weights, such as {charge: 8"),
        (lambda: load({add: 0}, count=1), "weight 0: expected a number above 0"),
        (lambda: load({add: 1}, (1,), count=1), "args= and kwargs= are for one task; in a mix, each is a signature"),
        (lambda: load(add, count=1, timeout="soon"), "timeout='soon': expected seconds"),
        (lambda: capacity(add, p95="fast"), "celery_perf.capacity: p95='fast': expected seconds"),
        (lambda: capacity(add, p95=0), "celery_perf.capacity: p95=0: expected more than 0"),
        (lambda: capacity(add, p95=1, between=(5, 5)), "between=(5, 5): expected the lower rate first, then a higher"),
        (lambda: capacity(add, p95=1, precision=0), "celery_perf.capacity: precision=0: expected more than 0"),
    ):
        with pytest.raises(ConfigurationError) as error:
            call()
        assert words in str(error.value)
    assert not celery_perf.history.publications
