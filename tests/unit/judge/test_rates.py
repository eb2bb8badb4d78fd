"""celery_throughput and celery_share pass within their limits, and otherwise say what holds the tasks up."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import pytest

from pytest_celery_perf.judge import share, throughput
from pytest_celery_perf.model.history import History
from pytest_celery_perf.model.rates import ShareBudget, ThroughputBudget
from pytest_celery_perf.model.record import Execution, WorkerInfo
from pytest_celery_perf.model.verdict import Status, Verdict
from tests.unit.histories import execution, failed, history, publication, worker


def told(runs: Iterable[Execution], *, apart_ms: float = 0, workers: tuple[WorkerInfo, ...] = ()) -> History:
    every = tuple(runs)
    messages = tuple(publication(each.task_id, ms=number * apart_ms) for number, each in enumerate(every))
    return history(*every, publications=messages, workers=workers or (worker(concurrency=1),))


def one_by_one(number: int = 10, *, apart_ms: float = 0, body: float = 20) -> History:
    """Tasks that one slot runs, one every 20 ms."""
    return told(
        (execution(f"t{n}", received=20 * n, started=20 * n, body=body) for n in range(number)), apart_ms=apart_ms
    )


def throughput_of(budget: ThroughputBudget, told: History) -> Verdict:
    (verdict,) = throughput.judge(budget, told)
    return verdict


def share_of(budget: ShareBudget, told: History) -> Verdict:
    (verdict,) = share.judge(budget, told)
    return verdict


def test_within_every_limit() -> None:
    verdict = throughput_of(ThroughputBudget(min_per_s=50, drain_s=0.2, concurrency=1), one_by_one())
    assert [(each.metric, each.budget, each.actual, each.ok) for each in verdict.checks] == [
        ("throughput", "≥ 50/s", "50/s", True),
        ("drained in", "≤ 200ms", "200ms", True),
        ("at a time", "≥ 1", "1", True),
    ]
    assert (verdict.status, verdict.fix) == (Status.PASS, ())


def test_full_slots() -> None:
    verdict = throughput_of(ThroughputBudget(min_per_s=60), one_by_one())
    assert verdict.status is Status.FAIL
    assert verdict.evidence == (
        "10 published, 10 ended within 200ms",
        "main@host: 1 at a time of at most 1, 100 % of the slots busy",
    )
    assert "the slots are full: at 20ms a task 1 slot can do 50/s at most" in verdict.fix[0]


def test_slots_that_cannot_do_it_were_they_ever_so_busy() -> None:
    verdict = throughput_of(ThroughputBudget(min_per_s=200), one_by_one(body=6))
    assert "the slots are too few: at 6ms a task 1 slot can do 167/s at most" in verdict.fix[0]


def test_a_publisher_that_is_slower() -> None:
    verdict = throughput_of(ThroughputBudget(min_per_s=60), one_by_one(apart_ms=20, body=5))
    assert verdict.evidence[0] == "10 published within 180ms (50/s), 10 ended within 185ms"
    assert verdict.fix[0].startswith("they were published at 50/s, slower than that")


def test_slots_that_are_free() -> None:
    verdict = throughput_of(ThroughputBudget(min_per_s=60), one_by_one(body=5))
    assert verdict.fix[0].startswith("73 % of the slots were free")


def test_a_worker_that_hoards() -> None:
    runs = [execution(f"t{n}", received=1, started=20 * n, body=20) for n in range(5)]
    hoarder, idle = worker(concurrency=1), worker("boot-2", name="idle@host", concurrency=3)
    verdict = throughput_of(ThroughputBudget(concurrency=2), told(runs, workers=(hoarder, idle)))
    (fix,) = verdict.fix
    assert fix.startswith("main@host held up to 4 in memory while idle@host had free slots: prefetch=1")


def test_what_has_not_ended_fails() -> None:
    verdict = throughput_of(ThroughputBudget(min_per_s=1), told([execution("t1"), execution("t2", ended=False)]))
    assert [(each.metric, each.ok) for each in verdict.checks] == [("ended", False), ("throughput", True)]
    assert "1 succeeded, 1 unfinished" in verdict.evidence


def test_failed_tasks_are_no_throughput() -> None:
    runs = [failed(f"t{n}", received=n, started=n, body=1) for n in range(5)]
    verdict = throughput_of(ThroughputBudget(min_per_s=100, concurrency=1), told(runs))
    assert [(each.actual, each.ok) for each in verdict.checks] == [("0/s", False), ("1", True)]
    assert "5 failed" in verdict.evidence
    assert verdict.fix == ("they ended fast enough, and did not succeed: celery_retries and celery_reliable tell why",)


def test_enough_succeed_besides_one_that_fails() -> None:
    verdict = throughput_of(ThroughputBudget(min_per_s=50), told([execution("t1"), execution("t2"), failed("t3")]))
    assert verdict.status is Status.PASS
    assert "2 succeeded, 1 failed" in verdict.evidence


JUDGES: tuple[Callable[[History], Verdict], ...] = (
    lambda told: throughput_of(ThroughputBudget(min_per_s=1), told),
    lambda told: share_of(ShareBudget(within_s=1, min_share=1), told),
)


@pytest.mark.parametrize("judge", JUDGES)
def test_clocks_that_cannot_be_compared(judge: Callable[[History], Verdict]) -> None:
    foreign = told([execution()], workers=(worker(comparable_clock=False),))
    verdict = judge(foreign)
    assert verdict.status is Status.INCONCLUSIVE
    assert "cannot be compared" in verdict.evidence[0]


def test_enough_are_in_time() -> None:
    verdict = share_of(ShareBudget(within_s=0.1, min_share=0.5), one_by_one())
    (check,) = verdict.checks
    assert ("succeeded within 100ms", "≥ 50 %", "50 % (5 of 10)", True) == (
        check.metric,
        check.budget,
        check.actual,
        check.ok,
    )
    assert verdict.status is Status.PASS


def test_the_late_ones_waited() -> None:
    verdict = share_of(ShareBudget(within_s=0.1, min_share=0.6), one_by_one())
    assert verdict.status is Status.FAIL
    assert verdict.evidence[:2] == (
        "10 succeeded",
        "late: shop.tasks.charge[t9] took 200ms: in queue 180ms (of it prefetched 0s) + runtime 20ms",
    )
    assert verdict.fix == ("it waited in the broker for a free worker: more processes or workers for this queue",)


def test_no_worker_helps_what_takes_too_long_by_itself() -> None:
    verdict = share_of(ShareBudget(within_s=0.01, min_share=0.6), one_by_one())
    assert verdict.fix == (
        "its runtime alone, 20ms, is more than that: most of the slowest runtime is not SQL: profile the task's body",
    )


def test_most_of_them_failed() -> None:
    verdict = share_of(ShareBudget(within_s=1, min_share=0.9), told([execution("t1"), failed("t2"), failed("t3")]))
    assert verdict.checks[0].actual == "33.3 % (1 of 3)"
    assert verdict.fix == ("they failed: celery_retries and celery_reliable tell why",)
