from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from pytest_celery_perf.measure.pools import kind_of, profile_of, run_of
from pytest_celery_perf.model.figures import CpuUse, Figures, ThreadUse
from pytest_celery_perf.model.frame import Frame
from pytest_celery_perf.model.pools import Kind, PoolPlan, TaskProfile
from pytest_celery_perf.model.record import Execution
from pytest_celery_perf.model.samples import Series, WorkerSamples
from tests.unit.histories import BOOT, NAME, NS_PER_MS, execution, failed, history, publication

PLAN = PoolPlan(pool="gevent", concurrency=10)
PROFILE = TaskProfile(task=NAME, kind=Kind.WAITS, cpu_share=0.1, runtime_s=0.1, executions=5, source="solo")


def took(cpu_ms: float, *, ready_ms: float = 0, body: float = 100, **fields: Any) -> Execution:
    """Build an execution that computed for so long, and was ready to for so long without a core."""
    thread = ThreadUse(
        held_ns=round(body * NS_PER_MS),
        running_ns=round(cpu_ms * NS_PER_MS),
        ready_ns=round(ready_ms * NS_PER_MS),
        stuck_ns=None,
        where=None,
    )
    return execution(body=body, cpu_ns=round(cpu_ms * NS_PER_MS), figures=Figures(thread=thread), **fields)


@pytest.mark.parametrize(
    ("share", "kind"),
    [(0.0, "I/O-bound"), (0.2, "I/O-bound"), (0.21, "mixed"), (0.69, "mixed"), (0.7, "CPU-bound"), (2.0, "CPU-bound")],
)
def test_the_kind_is_decided_by_the_share_of_cpu_time(share: float, kind: str) -> None:
    assert kind == kind_of(share)


def test_a_profile() -> None:
    found = profile_of(NAME, [took(50), took(50), took(20)], "solo")
    assert found is not None
    assert (found.kind, found.runtime_s, found.executions, found.source) == (Kind.MIXED, 0.1, 3, "solo")
    assert pytest.approx(0.4) == found.cpu_share


def test_waiting_for_a_core_is_no_waiting_of_the_tasks() -> None:
    found = profile_of(NAME, [took(50, ready_ms=45)], "solo")
    assert found is not None
    assert found.kind is Kind.COMPUTES


def test_commands_count() -> None:
    figures = Figures(cpu=CpuUse(process_ns=0, commands_ns=90 * NS_PER_MS))
    found = profile_of(NAME, [execution(body=100, cpu_ns=0, figures=figures)], "solo")
    assert found is not None
    assert found.kind is Kind.COMPUTES


def test_the_first_in_its_process_counts_only_if_there_is_no_other() -> None:
    cold, warm = took(90, first_in_process=True), took(10)
    assert [Kind.WAITS, Kind.COMPUTES] == [
        found.kind for found in (profile_of(NAME, [cold, warm], ""), profile_of(NAME, [cold], "")) if found
    ]


@pytest.mark.parametrize("executions", [[], [failed()], [replace(took(1), name="other")]])
def test_no_profile_of_what_did_not_succeed(executions: list[Execution]) -> None:
    assert profile_of(NAME, executions, "solo") is None


def test_unknown_cpu_time_is_not_zero() -> None:
    found = profile_of(NAME, [execution(cpu_ns=None)], "report")
    assert found is not None
    assert (found.kind, found.cpu_share) == (None, None)


def test_a_run() -> None:
    executions = [took(1, task_id=f"t{i}", root_id=f"t{i}", received=1 + 50 * i, started=2 + 50 * i) for i in range(20)]
    run = run_of(PLAN, history(*executions), history(*executions), PROFILE)
    assert (run.tasks, run.succeeded, run.failed, run.unfinished, run.errors) == (20, 20, 0, 0, ())
    assert (run.runtime_p50_s, run.runtime_p95_s, run.runtime_p99_s) == (0.1, 0.1, None)
    assert run.cpu_s == pytest.approx(0.001)
    assert run.throughput is not None
    assert run.parallel == pytest.approx(run.throughput * 0.1)
    assert 15 < run.throughput < 20  # 20 of them from the first start to the last end, a second and a bit


def test_who_keeps_the_thread() -> None:
    where = Frame(path="/app/shop/tasks.py", line=7, function="charge")
    thread = ThreadUse(held_ns=5, running_ns=1, ready_ns=0, stuck_ns=50 * NS_PER_MS, where=where)
    closely = history(execution(cpu_ns=None, figures=Figures(thread=thread)))
    run = run_of(PLAN, history(execution()), closely, PROFILE)
    assert (run.stuck_s, run.stuck_at, run.cpu_s) == (0.05, where, 1e-9)


def test_who_keeps_the_thread_for_moments_keeps_it_for_their_sum() -> None:
    thread = ThreadUse(
        held_ns=30 * NS_PER_MS, running_ns=2 * NS_PER_MS, ready_ns=3 * NS_PER_MS, stuck_ns=5 * NS_PER_MS, where=None
    )
    closely = history(execution(cpu_ns=None, figures=Figures(thread=thread)))
    assert run_of(PLAN, history(execution()), closely, PROFILE).stuck_s == 0.025


def test_the_cpu_time_is_that_of_the_tasks_whose_runtimes_are_shown() -> None:
    cold = took(90, task_id="t0", root_id="t0", first_in_process=True)
    warm = [took(cpu_ms, task_id=f"t{cpu_ms}", root_id=f"t{cpu_ms}") for cpu_ms in (1, 2, 50)]
    assert run_of(PLAN, history(cold, *warm), history(took(70)), PROFILE).cpu_s == 0.002


def test_where_they_do_not_tell_it_is_that_of_those_with_instruments() -> None:
    thread = ThreadUse(held_ns=5, running_ns=NS_PER_MS, ready_ns=0, stuck_ns=0, where=None)
    closely = [execution(cpu_ns=None, figures=Figures(thread=thread)), took(70, first_in_process=True)]
    assert run_of(PLAN, history(execution(cpu_ns=None)), history(*closely), PROFILE).cpu_s == 0.001


def test_what_a_worker_takes_for_a_task_counts_all_that_have_ended() -> None:
    looks = ((1, 0), (2, 40 * NS_PER_MS))
    watched = WorkerSamples(boot=BOOT, source="proc", series=(replace(series(1, 100, 40), cpu=looks),))
    ended = [took(1, task_id="t1", root_id="t1"), took(1, task_id="t2", root_id="t2")]
    messages = tuple(publication(f"t{number}") for number in (1, 2, 3))
    run = run_of(PLAN, replace(history(*ended, publications=messages), samples=(watched,)), history(), PROFILE)
    assert run.worker_cpu_s == 0.02


def test_failures_and_what_has_not_ended() -> None:
    bad, good = failed("t1"), execution("t2", root_id="t2", cpu_ns=None)
    messages = (publication("t1"), publication("t2"), publication("t3"))
    run = run_of(PLAN, history(bad, good, publications=messages), history(), PROFILE, ("1 × oh",))
    assert (run.tasks, run.succeeded, run.failed, run.unfinished) == (3, 1, 1, 1)
    assert (run.logged, run.cpu_s) == (("1 × oh",), None)
    assert run.errors[0].startswith("1 × ")
    assert "builtins" not in run.errors[0]


def test_what_was_not_acknowledged() -> None:
    silent = took(1, acknowledged_ns=None)
    assert run_of(PLAN, history(silent), history(), PROFILE).unacknowledged == 1
    assert run_of(PLAN, history(took(1)), history(), PROFILE).unacknowledged == 0


def series(pid: int, rss: int, uss: int | None, gone_ns: int | None = None) -> Series:
    own = () if uss is None else ((2, uss),)
    return Series(pid=pid, at_ns=(1, 2), rss_bytes=(rss - 5, rss), uss=own, gone_ns=gone_ns)


def test_what_children_share_with_the_main_process_counts_once() -> None:
    samples = WorkerSamples(
        boot=BOOT,
        source="proc",
        series=(series(1, 100, 40), series(2, 90, 20), series(3, 90, 10), series(4, 9, 9, gone_ns=2)),
    )
    run = run_of(PLAN, replace(history(took(1)), samples=(samples,)), history(), PROFILE)
    assert (run.memory_bytes, run.memory_each_bytes) == (130, 130)


def test_memory_that_the_kernel_does_not_tell_is_unknown() -> None:
    samples = WorkerSamples(boot=BOOT, source="proc", series=(series(1, 100, 40), series(2, 90, None)))
    assert run_of(PLAN, replace(history(took(1)), samples=(samples,)), history(), PROFILE).memory_bytes is None
    assert run_of(PLAN, history(took(1)), history(), PROFILE).memory_bytes is None
