"""celery_memory(growth=…) fails where memory surely grows, and admits where that is not known."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

import pytest

from pytest_celery_perf.judge.growth import judge
from pytest_celery_perf.measure.growth import memory_growth
from pytest_celery_perf.model.figures import Figures, MemoryUse
from pytest_celery_perf.model.record import Execution
from pytest_celery_perf.model.resources import GrowthBudget
from pytest_celery_perf.model.verdict import Status, Verdict
from tests.unit.histories import NAME, execution, history

KIB = 1 << 10
MIB = 1 << 20


def runs(number: int, held: Callable[[int], float], *, pid: int = 811, name: str = NAME) -> Iterator[Execution]:
    """Executions in one process, which holds so many bytes before the n-th."""
    for n in range(number):
        before, after = (60 * MIB + round(held(at)) for at in (n, n + 1))
        use = MemoryUse(before_bytes=before, after_bytes=after, peak_bytes=after)
        yield execution(f"{pid}-{n}", started=10 * n, body=5, pid=pid, figures=Figures(memory=use), name=name)


def verdict_of(*executions: Execution, limit: int = MIB) -> Verdict:
    (verdict, *_) = judge(GrowthBudget(max_bytes=limit, task=NAME), history(*executions))
    return verdict


def test_memory_that_stays() -> None:
    assert verdict_of(*runs(100, lambda _: 0)).status is Status.PASS


def test_the_warm_up_is_no_leak() -> None:
    assert verdict_of(*runs(100, lambda n: min(n, 5) * MIB)).status is Status.PASS


def test_a_leak() -> None:
    verdict = verdict_of(*runs(100, lambda n: 10 * KIB * n), *runs(50, lambda n: 10 * KIB * n, pid=812))
    assert verdict.status is Status.FAIL
    assert verdict.checks[0].actual.startswith("9.77MiB (9.77MiB to 9.77MiB with 95 % confidence)")
    assert verdict.evidence[0] == "a line through 135 executions in 2 processes, without the first tenth"
    assert "charge (/app/shop/tasks.py:20)" in verdict.fix[0]


def test_a_leak_that_allocates_in_blocks() -> None:
    """Ten executions share a block, so that nine of ten seem to leave nothing behind."""
    growth = memory_growth(history(*runs(200, lambda n: n // 10 * 100 * KIB)))
    assert growth is not None
    assert growth.low_bytes < 10_000 * KIB < growth.high_bytes
    assert growth.certain


def warming_up(n: int) -> float:
    """What a process that runs an empty task gathers, in pages: 340 KiB, most of it early."""
    return 340 * KIB * (1 - math.exp(-n / 500)) // 4096 * 4096


@pytest.mark.parametrize("number", [30, 60, 150, 300, 1_000])
def test_a_worker_that_still_warms_up(number: int) -> None:
    verdict = verdict_of(*runs(number, warming_up), *runs(number, warming_up, pid=812), limit=64 * KIB)
    assert (verdict.status, verdict.fix) == (Status.INCONCLUSIVE, ())
    assert (
        "in a process, may be what any worker gathers while it warms up, up to 512KiB; run the task more often"
        in (verdict.evidence[0])
    )


def test_a_curve_that_flattens_is_judged_by_its_later_part() -> None:
    verdict = verdict_of(*runs(3_000, warming_up), limit=64 * KIB)
    assert verdict.status is Status.PASS
    assert verdict.evidence[-1].endswith("executions in 1 process, the last 1/4 of them: before, memory grew faster")
    growth = memory_growth(history(*runs(3_000, warming_up)))
    assert growth is not None
    assert not growth.certain


@pytest.mark.parametrize(("number", "leak"), [(30, 100 * KIB), (300, 100 * KIB), (1_000, KIB), (3_000, KIB)])
def test_a_leak_beside_a_warm_up(number: int, leak: int) -> None:
    verdict = verdict_of(*runs(number, lambda n: warming_up(n) + leak * n), limit=64 * KIB)
    assert verdict.status is Status.FAIL
    assert len(verdict.fix) == 1


def test_what_is_not_sure_is_not_said() -> None:
    def noisy(n: int) -> float:
        return 400 * KIB * (n * 7919 % 13) / 13

    verdict = verdict_of(*runs(40, noisy), limit=KIB)
    assert verdict.status is Status.INCONCLUSIVE
    assert "about ≤ 1KiB; run the task more often, such as celery_perf.run(task, times=200)" in verdict.evidence[0]


def test_too_few_executions() -> None:
    verdict = verdict_of(*runs(4, lambda _: 0))
    assert (verdict.status, verdict.checks[0].actual) == (Status.FAIL, "unknown of 4 executions")


def test_processes_that_ran_others_too() -> None:
    others = runs(20, lambda n: MIB * n, name="shop.tasks.ship")
    verdict = verdict_of(*runs(20, lambda _: 0), *others)
    assert verdict.status is Status.INCONCLUSIVE
    assert verdict.evidence[0].startswith("its processes ran shop.tasks.ship too")


def test_nobody_has_looked() -> None:
    verdict = verdict_of(execution())
    assert verdict.status is Status.INCONCLUSIVE
    assert verdict.evidence == ("nobody has seen the memory of its processes",)
