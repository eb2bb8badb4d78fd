"""celery_cpu passes within its limits, and otherwise says what the CPU worked for."""

from __future__ import annotations

from typing import Any

import pytest

from pytest_celery_perf.judge import calls
from pytest_celery_perf.judge.cpu import judge
from pytest_celery_perf.model.figures import CallUse, CpuUse, Figures, FunctionCalls, ThreadUse
from pytest_celery_perf.model.frame import Frame
from pytest_celery_perf.model.record import Execution
from pytest_celery_perf.model.resources import CallsBudget, CpuBudget
from pytest_celery_perf.model.verdict import Status, Verdict
from tests.unit.histories import NS_PER_MS, execution, history


def busy(
    task_id: str,
    own: float,
    *,
    threads: float = 0,
    commands: float = 0,
    ready: float | None = 0,
    body: float = 100,
    pool: str = "prefork",
    **fields: Any,
) -> Execution:
    """An execution, with its CPU time, how long it waited for a core, and its runtime, in milliseconds."""
    use = CpuUse(process_ns=round((own + threads) * NS_PER_MS), commands_ns=round(commands * NS_PER_MS))
    thread = ThreadUse(
        held_ns=round((own if pool == "gevent" else body) * NS_PER_MS),
        running_ns=round(own * NS_PER_MS),
        ready_ns=None if ready is None else round(ready * NS_PER_MS),
        stuck_ns=None,
        where=None,
    )
    return execution(
        task_id,
        body=body,
        pool=pool,
        cpu_ns=None if pool == "gevent" else round(own * NS_PER_MS),
        figures=Figures(cpu=use if pool == "prefork" else None, thread=thread),
        **fields,
    )


def called(count: int) -> CallUse:
    """All calls but one are those of one function."""
    functions = [("/app/shop/tasks.py", 40, "price", count - 1), ("/app/shop/tasks.py", 20, "charge", 1)]
    most = [
        FunctionCalls(function=Frame(path=path, line=line, function=name), count=times)
        for path, line, name, times in functions
    ]
    return CallUse(count=count, most=tuple(most))


def verdict_of(budget: CpuBudget, *executions: Execution) -> Verdict:
    (verdict,) = judge(budget, history(*executions))
    return verdict


def test_threads_and_commands_count() -> None:
    verdict = verdict_of(CpuBudget(max_s=0.06, share=0.6), busy("a", 10, threads=20, commands=30))
    assert [(check.metric, check.budget, check.actual, check.ok) for check in verdict.checks] == [
        ("max CPU time", "≤ 60ms", "60ms", True),
        ("CPU share of the runtime", "≤ 60 %", "60 %", True),
    ]
    assert verdict.status is Status.PASS


def test_on_threads_the_thread_counts() -> None:
    shared = execution(pool="threads", cpu_ns=20 * NS_PER_MS)
    assert verdict_of(CpuBudget(max_s=0.02), shared).checks[0].actual == "20ms"


def test_the_share_is_that_of_all_together() -> None:
    verdict = verdict_of(CpuBudget(share=0.2), busy("a", 90, body=100), busy("b", 10, body=900))
    assert (verdict.checks[0].actual, verdict.status) == ("10 %", Status.PASS)


def share_of(limit: float, *executions: Execution) -> tuple[str, Status]:
    verdict = verdict_of(CpuBudget(share=limit), *executions)
    return verdict.checks[0].actual, verdict.status


def test_waiting_for_a_core_is_no_waiting() -> None:
    crowded = busy("a", 90, ready=4_900, body=5_000)
    verdict = verdict_of(CpuBudget(share=0.2), crowded)
    assert (verdict.checks[0].actual, verdict.status) == ("90 %", Status.FAIL)
    assert verdict.evidence[-1].endswith("in 5s of runtime, 4.9s of it without a free core, which count for nothing")
    assert share_of(0.2, busy("a", 10, ready=50, body=1_050)) == ("1 %", Status.PASS)


@pytest.mark.parametrize(
    ("own", "limit", "expected"),
    [
        (0.5, 0.2, ("0.5 %", Status.PASS)),
        (10, 0.2, ("10 % to 100 %", Status.INCONCLUSIVE)),
        (30, 0.2, ("30 %", Status.FAIL)),
        (30, 1.0, ("30 %", Status.PASS)),
    ],
)
def test_a_kernel_that_does_not_tell(own: float, limit: float, expected: tuple[str, Status]) -> None:
    assert share_of(limit, busy("a", own, ready=None)) == expected


def test_why_nobody_knows_the_share() -> None:
    verdict = verdict_of(CpuBudget(share=0.2), busy("a", 10, ready=None))
    assert verdict.evidence[0] == (
        "CPU share of the runtime: between 10 % and 100 %, as the tasks may have waited for a core, which nobody saw; "
        "run them one at a time, where cores are free: on prefork or solo with concurrency=1"
    )


def test_commands_wait_for_a_core_unseen() -> None:
    assert share_of(0.2, busy("a", 2, commands=8, ready=0.1)) == ("10 %", Status.PASS)
    verdict = verdict_of(CpuBudget(share=0.2), busy("a", 2, commands=8, ready=8))
    assert verdict.status is Status.INCONCLUSIVE
    assert "waited for a core, in other threads of theirs or commands, which nobody saw" in verdict.evidence[0]


def test_on_gevent_the_greenlet_counts() -> None:
    verdict = verdict_of(CpuBudget(share=0.2), busy("a", 90, pool="gevent", ready=2))
    assert (verdict.checks[0].actual, verdict.status) == ("91.8 %", Status.FAIL)
    assert verdict.evidence[-1].endswith("CPU 90ms in 100ms of runtime")


@pytest.mark.parametrize("pool", ["threads", "gevent"])
def test_tasks_that_take_turns(pool: str) -> None:
    beside = [busy(f"t{n}", 25, pool=pool) for n in range(4)]
    assert share_of(0.3, *beside) == ("25 % to 100 %", Status.INCONCLUSIVE)
    told = verdict_of(CpuBudget(share=0.3), *beside).evidence[0]
    assert "the thread, or the lock of Python, that executions of a process share" in told
    calm = [busy(f"t{n}", 1, pool=pool) for n in range(4)]
    assert share_of(0.3, *calm) == ("1 %", Status.PASS)
    one_by_one = [busy(f"t{n}", 25, pool=pool, started=100 * n) for n in range(4)]
    assert share_of(0.3, *one_by_one) == ("25 %", Status.PASS)
    elsewhere = [busy(f"t{n}", 25, pool=pool, boot=f"boot-{n}") for n in range(4)]
    assert share_of(0.3, *elsewhere) == ("25 %", Status.PASS)


@pytest.mark.parametrize(
    ("worst", "words"),
    [
        (busy("a", 50), "profile the body of charge (/app/shop/tasks.py:20)"),
        (busy("a", 5, threads=50), "most of the CPU time went to other threads, which charge"),
        (
            busy("a", 5, commands=50),
            "most of the CPU time went to the commands that charge (/app/shop/tasks.py:20) runs",
        ),
    ],
)
def test_the_advice_is_about_most_of_it(worst: Execution, words: str) -> None:
    verdict = verdict_of(CpuBudget(max_s=0.04), busy("b", 1), worst)
    assert verdict.status is Status.FAIL
    assert words in " ".join(verdict.fix)


def test_what_it_was_spent_for_is_told() -> None:
    verdict = verdict_of(CpuBudget(max_s=0.04), busy("a", 10, threads=20, commands=30))
    assert verdict.evidence[1].endswith(
        "CPU 60ms (own thread 10ms, other threads 20ms, commands 30ms) in 100ms of runtime"
    )


def test_a_task_that_computes_too_much_is_to_have_processes() -> None:
    verdict = verdict_of(CpuBudget(share=0.2), busy("a", 90))
    assert (verdict.checks[0].actual, verdict.status) == ("90 %", Status.FAIL)
    assert "charge (/app/shop/tasks.py:20) computes rather than waits" in verdict.fix[0]


def test_too_few_samples_for_a_percentile() -> None:
    verdict = verdict_of(CpuBudget(p95_s=1), *(busy(f"t{n}", 1) for n in range(19)))
    assert verdict.status is Status.FAIL
    assert verdict.fix[0].startswith("p95 of the CPU time needs 20 samples, there are 19")


@pytest.mark.parametrize(("limit", "status"), [(1_000, Status.PASS), (999, Status.FAIL)])
def test_a_count_of_calls(limit: int, status: Status) -> None:
    executions = [execution(name, figures=Figures(calls=called(count))) for name, count in (("a", 900), ("b", 1_000))]
    (verdict,) = calls.judge(CallsBudget(max=limit), history(*executions))
    assert (verdict.status, verdict.checks[0].actual) == (status, "1,000")


def test_what_is_called_most_is_told() -> None:
    (verdict,) = calls.judge(CallsBudget(max=999), history(execution(figures=Figures(calls=called(1_000)))))
    assert verdict.evidence[-2:] == ("  999× price (/app/shop/tasks.py:40)", "  1× charge (/app/shop/tasks.py:20)")


def test_calls_that_nobody_could_count() -> None:
    (verdict,) = calls.judge(CallsBudget(max=9), history(execution("a")))
    assert verdict.status is Status.INCONCLUSIVE
    assert "it profiles itself" in verdict.evidence[0]
