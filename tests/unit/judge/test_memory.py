"""celery_memory passes within its limits, and otherwise says whose memory it is."""

from __future__ import annotations

from typing import Any

import pytest

from pytest_celery_perf.judge.memory import judge
from pytest_celery_perf.model.figures import Figures, MemoryUse
from pytest_celery_perf.model.record import Execution
from pytest_celery_perf.model.resources import MemoryBudget
from pytest_celery_perf.model.verdict import Status, Verdict
from tests.unit.histories import crashed, execution, history

MIB = 1 << 20


def held(task_id: str, before: int, added: int | None, kept: int = 0, **fields: Any) -> Execution:
    """An execution, with its memory in MiB."""
    use = MemoryUse(
        before_bytes=before * MIB,
        after_bytes=(before + kept) * MIB,
        peak_bytes=None if added is None else (before + added) * MIB,
    )
    return execution(task_id, figures=Figures(memory=use), **fields)


def verdict_of(budget: MemoryBudget, *executions: Execution) -> Verdict:
    (verdict,) = judge(budget, history(*executions))
    return verdict


def test_within_both_limits() -> None:
    budget = MemoryBudget(peak_bytes=100 * MIB, added_bytes=40 * MIB)
    verdict = verdict_of(budget, held("a", 60, 40), held("b", 70, 5))
    assert [(check.metric, check.budget, check.actual, check.ok) for check in verdict.checks] == [
        ("peak memory", "≤ 100MiB", "100MiB", True),
        ("memory added", "≤ 40MiB", "40MiB", True),
    ]
    assert (verdict.status, verdict.fix) == (Status.PASS, ())


def test_a_byte_too_much_is_not_printed_as_the_limit() -> None:
    verdict = verdict_of(MemoryBudget(added_bytes=40 * MIB - 1), held("a", 60, 40))
    assert [(check.actual, check.ok) for check in verdict.checks] == [("41,943,040 bytes", False)]


@pytest.mark.parametrize(
    ("worst", "words"),
    [
        (held("a", 60, 50), "charge (/app/shop/tasks.py:20) holds 50MiB at once"),
        (held("a", 60, 50, kept=45), "charge (/app/shop/tasks.py:20) leaves 45MiB behind"),
        (held("a", 160, 5), "160MiB were there before the task began"),
        (held("a", 60, 50, first_in_process=True), "warmup=1 leaves it out"),
    ],
)
def test_the_advice_is_about_most_of_it(worst: Execution, words: str) -> None:
    verdict = verdict_of(MemoryBudget(peak_bytes=80 * MIB), held("b", 60, 1), worst)
    assert verdict.status is Status.FAIL
    assert words in " ".join(verdict.fix)


def test_the_worst_come_first() -> None:
    verdict = verdict_of(MemoryBudget(added_bytes=1), *(held(f"t{added}", 60, added) for added in (3, 9, 1, 7)))
    told = [line.partition(" ")[0] for line in verdict.evidence if " more at its peak" in line]
    assert told == ["shop.tasks.charge[t9]", "shop.tasks.charge[t7]", "shop.tasks.charge[t3]"]


def test_what_crashed_is_left_out() -> None:
    verdict = verdict_of(
        MemoryBudget(added_bytes=MIB), crashed("a"), held("a", 60, 1, delivery=2, received=20, started=21)
    )
    assert verdict.status is Status.PASS
    assert "left out: 1 crashed (what it took is not known)" in verdict.evidence


def test_what_still_runs_is_left_out() -> None:
    verdict = verdict_of(MemoryBudget(added_bytes=MIB), crashed("a"), held("b", 60, 1))
    assert "left out: 1 had not ended when the waiting was over" in verdict.evidence


def test_warm_up_is_left_out_in_each_process() -> None:
    executions = [held(f"t{n}", 60, 90 if n < 2 else 1, started=n, pid=800 + n % 2) for n in range(4)]
    assert verdict_of(MemoryBudget(added_bytes=MIB, warmup=1), *executions).status is Status.PASS
    assert verdict_of(MemoryBudget(added_bytes=MIB), *executions).status is Status.FAIL


@pytest.mark.parametrize("pool", ["threads", "gevent"])
def test_a_pool_that_shares_its_process(pool: str) -> None:
    verdict = verdict_of(MemoryBudget(added_bytes=MIB), execution(pool=pool))
    assert verdict.status is Status.INCONCLUSIVE
    (told,) = verdict.evidence
    assert told.startswith(f"memory is not attributable on this pool: tasks share a process on {pool} (main@host)")
    assert told.endswith("run this test on prefork or solo")


@pytest.mark.parametrize("silent", [held("a", 60, None), execution("a")])
def test_a_machine_that_tells_no_peak(silent: Execution) -> None:
    verdict = verdict_of(MemoryBudget(added_bytes=MIB), silent)
    assert verdict.status is Status.INCONCLUSIVE
    assert "memory is not known of main@host: its kernel does not keep a peak" in verdict.evidence[0]


def test_what_is_unknown_of_some_is_not_passed_off_as_all() -> None:
    shared = execution("b", pool="threads", worker="io@host")
    verdict = verdict_of(MemoryBudget(added_bytes=MIB), held("a", 60, 1), shared)
    assert verdict.status is Status.INCONCLUSIVE
    assert verdict.evidence[0].startswith("memory is not attributable on this pool: tasks share a process on threads")
    assert verdict_of(MemoryBudget(added_bytes=MIB), held("a", 60, 9), shared).status is Status.FAIL


def test_tasks_that_did_not_end_fail() -> None:
    verdict = verdict_of(MemoryBudget(added_bytes=MIB), held("a", 60, 1), crashed("b"))
    assert verdict.status is Status.FAIL
    assert [(check.metric, check.ok) for check in verdict.checks] == [("ended", False), ("memory added", True)]
