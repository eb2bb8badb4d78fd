"""celery_isolation tells whom a backlog keeps waiting, and why."""

from __future__ import annotations

from typing import Any

from pytest_celery_perf.judge.isolation import judge
from pytest_celery_perf.model.history import History
from pytest_celery_perf.model.rates import IsolationBudget
from pytest_celery_perf.model.record import Execution
from pytest_celery_perf.model.verdict import Status, Verdict
from tests.unit.histories import execution, history, publication, worker

FLOOD, VICTIM = "shop.report", "shop.mail"
BOTH = ("reports", "mail")


def flood(number: int = 5, *, queue: str = "reports", **fields: Any) -> list[Execution]:
    """Tasks of 100 ms that one slot runs one after the other, all published at 0 ms."""
    return [
        execution(f"f{n}", received=100 * n, started=100 * n, body=100, name=FLOOD, queue=queue, **fields)
        for n in range(number)
    ]


def victim(task_id: str = "v1", *, started: float | None = 500, **fields: Any) -> Execution:
    return execution(
        task_id, **{"received": started, "started": started, "body": 1, "name": VICTIM, "queue": "mail", **fields}
    )


def told(
    *runs: Execution, victims_at: float = 50, workers: tuple[Any, ...] = (), alone_at: tuple[float, ...] = ()
) -> History:
    messages = [
        publication(
            each.task_id,
            ms=0 if each.name == FLOOD else victims_at,
            name=each.name,
            queue=each.queue,
            priority=each.priority,
        )
        for each in runs
    ]
    for number, ms in enumerate(alone_at):
        messages.append(publication(f"a{number}", ms=ms, name=VICTIM, queue="mail"))
        runs = (*runs, victim(f"a{number}", started=ms + 10))
    return history(*runs, publications=tuple(messages), workers=workers or (worker(concurrency=1, queues=BOTH),))


def verdict_of(budget: IsolationBudget, told: History) -> Verdict:
    (verdict,) = judge(budget, told)
    return verdict


def behind(told: History, most: int = 0, **names: str) -> Verdict:
    return verdict_of(IsolationBudget(**{"flood": FLOOD, "victim": VICTIM, **names}, behind=most), told)  # type: ignore[arg-type]


APART = (
    worker(concurrency=1, queues=("reports",)),
    worker("boot-2", name="mail@host", concurrency=1, queues=("mail",)),
)


def test_a_worker_of_its_own() -> None:
    verdict = behind(told(*flood(), victim(started=52, boot="boot-2"), workers=APART))
    (check,) = verdict.checks
    assert ("waited behind", "≤ 0", "0 of report") == (check.metric, check.budget, check.actual)
    assert verdict.status is Status.PASS
    assert verdict.task == "mail beside report"


def test_names_of_queues() -> None:
    verdict = behind(told(*flood(), victim(started=52, boot="boot-2"), workers=APART), flood="reports", victim="mail")
    assert verdict.status is Status.PASS


def test_one_worker_for_both() -> None:
    verdict = behind(told(*flood(), victim(started=500)))
    assert verdict.checks[0].actual == "5 of report"
    assert verdict.evidence == (
        "flood: 5 of report, up to 4 waited; beside it 1 of mail (in queue: max 450ms)",
        "shop.mail[v1] waited 450ms for main@host; 5 of report had its slots for 450ms",
    )
    (fix,) = verdict.fix
    assert fix.startswith(
        "main@host has one slot; it consumes both reports and mail: leave mail to a worker of its own"
    )


def test_as_many_as_are_allowed() -> None:
    assert behind(told(*flood(), victim(started=500)), most=5).status is Status.PASS


def test_a_free_slot_is_enough() -> None:
    roomy = worker(concurrency=2, queues=BOTH)
    assert behind(told(*flood(), victim(started=60), workers=(roomy,))).status is Status.PASS


def test_one_queue_and_the_wrong_priority() -> None:
    runs = (*flood(queue="mail", priority=3), victim(started=500, priority=6))
    first, second = behind(told(*runs)).fix
    assert "both go to queue mail: route mail to a queue of its own (task_routes)" in first
    assert (
        "a lower priority number than the flood has: mail has 6, report has 3. Redis serves priority 0 first" in second
    )


def test_one_queue_and_the_right_priority() -> None:
    (only,) = behind(told(*flood(queue="mail", priority=6), victim(started=500, priority=3))).fix
    assert "both go to queue mail" in only


def test_kept_in_memory_while_another_worker_is_idle() -> None:
    idle = worker("boot-2", name="idle@host", concurrency=1, queues=BOTH)
    runs = (*flood(), victim(received=60, started=500))
    verdict = behind(told(*runs, workers=(worker(concurrency=1, queues=BOTH), idle)))
    assert "shop.mail[v1] waited 450ms, of it 440ms in the memory of main@host" in verdict.evidence[1]
    assert (
        "main@host prefetched mail and kept it in memory while it began 4 of report while idle@host had free slots: "
        "prefetch=1 (worker_prefetch_multiplier = 1)"
    ) in verdict.fix[1]


def test_kept_in_memory_though_nobody_else_could_have_it() -> None:
    roomy = worker(concurrency=2, queues=BOTH)
    runs = (*flood(), *flood_beside(), victim(received=60, started=500))
    fixes = behind(told(*runs, workers=(roomy,))).fix
    assert "kept it in memory while it began 8 of report: prefetch=1" in fixes[1]


def flood_beside() -> list[Execution]:
    """What the other slot of the same worker runs."""
    return [
        execution(f"g{n}", received=100 * n, started=100 * n, body=99, name=FLOOD, queue="reports") for n in range(5)
    ]


def test_who_never_started() -> None:
    verdict = behind(told(*flood(), victim(received=None, started=None)))
    assert (verdict.checks[0].metric, verdict.checks[0].actual) == ("never started", "1")
    assert "shop.mail[v1] never started" in verdict.evidence[1]


def test_too_long_though_nobody_of_the_flood_is_in_the_way() -> None:
    budget = IsolationBudget(flood=FLOOD, victim=VICTIM, behind=None, wait_s=0.1)
    verdict = verdict_of(budget, told(*flood(), victim(started=300, boot="boot-2"), workers=APART))
    assert (verdict.checks[0].metric, verdict.checks[0].actual) == ("longest time in queue", "250ms")
    assert verdict.fix == (
        "no task of the flood was in their way: the slots of mail@host were full of others, raise -c",
    )


def test_compared_with_those_without_the_flood() -> None:
    alone = tuple(1000.0 + 100 * n for n in range(5))
    runs = [*flood(), *(victim(f"v{n}", started=500 + n) for n in range(5))]
    for factor, ok in ((45, False), (46, True)):
        budget = IsolationBudget(flood=FLOOD, victim=VICTIM, behind=None, factor=factor)
        (check,) = verdict_of(budget, told(*runs, alone_at=alone)).checks
        assert check.budget == f"≤ {factor}× the 10ms without the flood"
        assert (check.actual, check.ok) == ("452ms, 45.2×", ok)


def test_too_few_to_compare() -> None:
    budget = IsolationBudget(flood=FLOOD, victim=VICTIM, behind=None, factor=2)
    verdict = verdict_of(budget, told(*flood(), victim()))
    assert (verdict.checks[0].actual, verdict.status) == ("unknown", Status.FAIL)
    assert "without the flood needs 5 samples, there are 0" in verdict.fix[0]


def test_there_was_no_backlog() -> None:
    verdict = behind(told(*flood(1), victim(started=120), victims_at=110))
    assert (verdict.checks[0].metric, verdict.checks[0].ok) == ("backlog", False)
    assert "publish the flood first" in verdict.fix[0]


def test_nobody_to_judge() -> None:
    assert "published" == behind(told(*flood())).checks[0].metric


def test_clocks_that_cannot_be_compared() -> None:
    verdict = behind(told(*flood(), victim(), workers=(worker(comparable_clock=False, queues=BOTH),)))
    assert verdict.status is Status.INCONCLUSIVE
