"""celery_latency passes within its limits, and otherwise says where the time went."""

from __future__ import annotations

from typing import Any

import pytest

from pytest_celery_perf.judge.latency import judge
from pytest_celery_perf.model.faults import Fault
from pytest_celery_perf.model.history import History
from pytest_celery_perf.model.record import Execution
from pytest_celery_perf.model.spec import LatencyBudget
from pytest_celery_perf.model.verdict import Status, Verdict
from tests.unit.histories import NS_PER_MS, at, crashed, execution, fault, history, publication, query, retried, worker


def hundred(**fields: Any) -> list[Execution]:
    """Executions whose bodies take 1 ms, 2 ms, … 100 ms."""
    return [execution(f"t{number}", body=number, **fields) for number in range(1, 101)]


def verdict_of(budget: LatencyBudget, told: History) -> Verdict:
    (verdict,) = judge(budget, told)
    return verdict


def checks(verdict: Verdict) -> list[tuple[str, str, str, bool]]:
    return [(check.metric, check.budget, check.actual, check.ok) for check in verdict.checks]


def test_within_every_limit() -> None:
    budget = LatencyBudget(p50_s=0.050, p95_s=0.095, p99_s=0.099, max_s=0.1)
    verdict = verdict_of(budget, history(*hundred()))
    assert checks(verdict) == [
        ("p50 runtime", "≤ 50ms", "50ms", True),
        ("p95 runtime", "≤ 95ms", "95ms", True),
        ("p99 runtime", "≤ 99ms", "99ms", True),
        ("max runtime", "≤ 100ms", "100ms", True),
    ]
    assert (verdict.status, verdict.fix) == (Status.PASS, ())


def test_over_one_limit() -> None:
    verdict = verdict_of(LatencyBudget(p50_s=1, p95_s=0.094), history(*hundred()))
    assert verdict.status is Status.FAIL
    assert [check.ok for check in verdict.checks] == [True, False]


@pytest.mark.parametrize(
    ("phase", "expected"),
    [("queue", "30ms"), ("prefetch", "20ms"), ("runtime", "10ms"), ("end_to_end", "40ms")],
)
def test_each_phase_is_measured(phase: str, expected: str) -> None:
    # Published one millisecond before it was received.
    told = history(
        execution(received=10, started=30, body=10), publications=history(execution(received=1)).publications
    )
    assert verdict_of(LatencyBudget(phase=phase, max_s=9), told).checks[0].actual == expected


def test_the_slowest_are_shown_with_what_their_time_consists_of() -> None:
    slow = execution(
        "3f2a91c0-1",
        received=11,
        started=15,
        body=300,
        queries=(query(41, ms=250), query(7, ms=9, phase="hooks")),
        cpu_ns=20 * NS_PER_MS,
        first_in_process=True,
    )
    verdict = verdict_of(LatencyBudget(max_s=0.2), history(execution("t1"), slow))
    shown = "\n".join(verdict.evidence)
    assert "runtime of 2 samples: min 10ms, max 300ms" in shown
    assert "on average: in queue 3.5ms (of it prefetched 2.5ms) + runtime 155ms (SQL 125ms in 20.5 queries" in shown
    assert (
        "slow: 300ms, shop.tasks.charge[3f2a91c0] attempt 1, t=0.015s in process 811 of main@host, "
        "first of its process: in queue 5ms (of it prefetched 4ms) + runtime 300ms (SQL 250ms in 41 queries, CPU 20ms)"
    ) in shown
    assert "most of the slowest runtime is SQL" in verdict.fix[0]
    assert "celery_queries" in verdict.fix[0]


@pytest.mark.parametrize(
    ("fields", "advice"),
    [
        ({"queries": (query(ms=60),)}, "is SQL"),
        ({"cpu_ns": 60 * NS_PER_MS}, "is computing"),
        ({"cpu_ns": 10 * NS_PER_MS}, "calls to other services"),
        ({}, "profile the task's body"),
    ],
)
def test_the_advice_is_about_what_the_runtime_mostly_is(fields: dict[str, Any], advice: str) -> None:
    verdict = verdict_of(LatencyBudget(max_s=0.05), history(execution(body=100, **fields)))
    assert len(verdict.fix) == 1
    assert advice in verdict.fix[0]


@pytest.mark.parametrize(
    ("received", "started", "advice"),
    [(2, 200, "lower the prefetch multiplier"), (199, 200, "more processes or workers for this queue")],
)
@pytest.mark.parametrize("phase", ["queue", "end_to_end"])
def test_the_advice_is_about_where_the_task_waited(phase: str, received: float, started: float, advice: str) -> None:
    published = history(execution(received=1)).publications
    told = history(execution(received=received, started=started), publications=published)
    assert advice in verdict_of(LatencyBudget(phase=phase, max_s=0.05), told).fix[0]


def test_the_advice_knows_time_between_executions() -> None:
    told = history(retried(countdown_s=1), execution(retries=1, received=500, started=501))
    verdict = verdict_of(LatencyBudget(phase="end_to_end", max_s=0.05), told)
    assert "between its executions" in verdict.fix[0]
    assert "2 executions" in "\n".join(verdict.evidence)


def test_a_late_publisher_is_not_taken_for_a_queue() -> None:
    published = publication(ms=200, intended_ns=at(0))
    told = history(execution(received=201, started=240), publications=(published,))
    verdict = verdict_of(LatencyBudget(phase="end_to_end", max_s=0.05), told)
    assert verdict.fix[0].startswith("the test published it later than its schedule says")
    assert "in queue 240ms (of it published late 200ms, prefetched 39ms) + runtime 10ms" in verdict.evidence[-1]


def test_the_advice_knows_time_around_the_body() -> None:
    slow = execution(started=2, body=200, body_started_ns=at(150), body_ended_ns=at(160))
    verdict = verdict_of(LatencyBudget(phase="end_to_end", max_s=0.05), history(slow))
    assert verdict.fix[0].startswith("most of the slowest passed in the worker before and after the task's body")
    assert verdict.evidence[-1].endswith("+ runtime 10ms + before and after it 190ms")


FROZEN = fault("freeze-worker", ms=5)
THAWED = fault("thaw-worker", ms=190, task_id=None)


@pytest.mark.parametrize(
    ("faults", "words"),
    [
        ((FROZEN, THAWED), "after freeze-worker, which the test orders (t=0.005s, over t=0.190s): allow for it"),
        ((FROZEN,), "after freeze-worker, which the test orders (t=0.005s): allow for it"),
        ((fault("freeze-worker", boot="other"), THAWED), "before and after the task's body"),
        ((FROZEN, fault("thaw-worker", ms=9)), "before and after the task's body"),
        ((fault("hold"),), "before and after the task's body"),
    ],
)
def test_the_advice_knows_what_the_test_did_to_the_worker(faults: tuple[Fault, ...], words: str) -> None:
    slow = execution(started=2, body=200, body_started_ns=at(195), body_ended_ns=at(200))
    verdict = verdict_of(LatencyBudget(phase="end_to_end", max_s=0.05), history(slow, faults=faults))
    assert words in verdict.fix[0]


def test_what_was_not_measured_is_not_shown() -> None:
    verdict = verdict_of(LatencyBudget(max_s=1), history(execution()))
    assert verdict.evidence[-1].endswith("runtime 10ms")


def test_too_few_samples_are_a_failure_that_says_how_to_get_more() -> None:
    verdict = verdict_of(LatencyBudget(p95_s=1), history(*hundred()[:12]))
    assert verdict.status is Status.FAIL
    assert checks(verdict) == [("p95 runtime", "≤ 1s", "unknown of 12 samples", False)]
    assert "p95 of the runtime needs 20 samples, there are 12" in verdict.fix[0]
    assert "celery_perf.run(task, times=20)" in verdict.fix[0]


def test_figures_of_the_survivors_do_not_pass() -> None:
    verdict = verdict_of(LatencyBudget(max_s=1), history(execution("t1"), crashed("t2")))
    assert verdict.status is Status.FAIL
    assert checks(verdict)[0] == ("ended", "= 2", "1", False)
    assert "1 succeeded, 1 unfinished" in verdict.evidence


def test_clocks_that_cannot_be_compared_make_it_inconclusive() -> None:
    told = history(execution(), workers=(worker(comparable_clock=False),))
    verdict = verdict_of(LatencyBudget(phase="queue", max_s=1), told)
    assert verdict.status is Status.INCONCLUSIVE
    assert "the clock of main@host cannot be compared with the test's: its time in queue is unknown" in verdict.evidence
    assert "phase='runtime'" in verdict.fix[0]
    assert verdict_of(LatencyBudget(max_s=1), told).status is Status.PASS


def test_workers_whose_clock_differs_are_named_beside_the_figures_of_the_others() -> None:
    told = history(
        execution("t1"),
        execution("t2", boot="boot-2"),
        workers=(worker(), worker("boot-2", name="far@host", comparable_clock=False)),
    )
    verdict = verdict_of(LatencyBudget(phase="queue", max_s=1), told)
    assert verdict.status is Status.PASS
    assert "the clock of far@host cannot be compared" in "\n".join(verdict.evidence)
