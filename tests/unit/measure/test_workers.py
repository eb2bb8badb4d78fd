from __future__ import annotations

import pytest

from pytest_celery_perf.measure.workers import WorkerFigures, by_name, workers_of
from pytest_celery_perf.model.history import History
from pytest_celery_perf.model.record import Execution
from tests.unit.histories import at, crashed, execution, fault, history, publication, worker


def only(history: History) -> WorkerFigures:
    (figures,) = workers_of(history)
    return figures


def side_by_side(number: int) -> list[Execution]:
    return [execution(f"t{n}", received=0, started=0, body=100, pid=811 + n) for n in range(number)]


def published(number: int) -> tuple[object, ...]:
    return tuple(publication(f"t{n}", ms=0) for n in range(number))


def test_three_busy_slots_of_four() -> None:
    figures = only(history(*side_by_side(3), publications=published(3), workers=(worker(concurrency=4),)))
    assert figures.utilisation == pytest.approx(0.75)
    assert (3, 3) == (figures.concurrency_reached, figures.executions)


def test_a_worker_that_does_nothing_is_not_busy() -> None:
    idle = worker("boot-2", name="idle@host")
    figures = by_name(workers_of(history(*side_by_side(1), publications=published(1), workers=(worker(), idle))))
    assert (0.5, 0.0) == (figures["main"].utilisation, figures["idle"].utilisation)


def test_a_worker_that_came_later_is_judged_from_then_on() -> None:
    runs = [execution("t0", received=50, started=50, body=50)]
    figures = only(history(*runs, publications=published(1), workers=(worker(concurrency=1, ready_ns=at(50)),)))
    assert figures.utilisation == pytest.approx(1.0)


def test_what_is_unknown_is_none() -> None:
    assert only(history(workers=(worker(),))).utilisation is None
    assert only(history(*side_by_side(1), workers=(worker(concurrency=None),))).utilisation is None
    assert only(history(*side_by_side(1))).restarts is None


def test_a_slot_is_free_once_its_process_has_died() -> None:
    dead = crashed("t0", received=0, started=0)
    alive = execution("t1", received=0, started=0, body=100, pid=812)
    deaths = (fault("kill-child", ms=50, task_id="t0"),)
    figures = only(history(dead, alive, publications=published(2), faults=deaths))
    assert figures.utilisation == pytest.approx(0.75)


def test_prefetched_is_what_waits_in_the_workers_memory() -> None:
    runs = [execution(f"t{n}", received=1, started=10 * (n + 1), body=10) for n in range(3)]
    figures = only(history(*runs))
    assert [3, 2, 1, 0] == [figures.prefetched.at(at(ms)) for ms in (2, 10, 20, 30)]
    assert figures.prefetched.max == 3


def test_what_waits_for_its_eta_is_not_prefetched() -> None:
    message = publication("t0", ms=0, countdown_s=0.05)
    figures = only(history(execution("t0", received=1, started=60), publications=(message,)))
    assert (0, 1) == (figures.prefetched.at(at(10)), figures.prefetched.at(at(55)))


def test_a_child_recycled_twice() -> None:
    runs = [execution(f"t{n}", received=n, started=10 * n + 1, body=5, pid=811 + n) for n in range(3)]
    children = ((810, at(-50)), (811, at(-50)), (812, at(9)), (813, at(19)), (814, at(29)))
    assert only(history(*runs, workers=(worker(children=children),))).restarts == 2
    assert only(history(*runs, workers=(worker(pool="threads", children=children),))).restarts is None
