from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from pytest_celery_perf.judge.pools import advise, size_of, suggest
from pytest_celery_perf.model.frame import Frame
from pytest_celery_perf.model.pools import Advice, Kind, PoolPlan, PoolRun, TaskProfile
from tests.unit.histories import NAME, options


def profile(share: float, kind: Kind, runtime_s: float = 0.1) -> TaskProfile:
    return TaskProfile(task=NAME, kind=kind, cpu_share=share, runtime_s=runtime_s, executions=5, source="solo")


WAITS, COMPUTES, MIXED = profile(0.02, Kind.WAITS), profile(0.99, Kind.COMPUTES), profile(0.5, Kind.MIXED)


def plan(label: str) -> PoolPlan:
    pool, _, concurrency = label.partition(":")
    return PoolPlan(pool=pool, concurrency=int(concurrency or 1))


def run(label: str, throughput: float = 10.0, **fields: object) -> PoolRun:
    whole = {"plan": plan(label), "tasks": 20, "succeeded": 20, "throughput": throughput, "parallel": throughput * 0.1}
    return PoolRun(**{**whole, **fields})  # type: ignore[arg-type]


ALL = [run("prefork:8", 80), run("threads:32", 300), run("gevent:200", 1600), run("solo")]


@pytest.mark.parametrize(
    ("of", "best"),
    [(WAITS, "gevent:50"), (COMPUTES, "prefork:4"), (MIXED, "prefork:8")],
    ids=lambda each: str(each)[:9],
)
def test_each_kind_has_its_pool(of: TaskProfile, best: str) -> None:
    assert plan(best) == advise(of, ALL, cores=4).plan
    assert advise(of, ALL, cores=4).obstacles == ()


@pytest.mark.parametrize(
    ("label", "share", "cores", "slots"),
    [
        ("gevent:200", 0.02, 8, 50),  # one core, however many there are
        ("threads:32", 0.02, 8, 32),  # no more than were tried
        ("prefork:64", 0.1, 4, 40),
        ("gevent:5000", 0.0, 4, 1000),
        ("solo", 0.02, 4, 1),
    ],
)
def test_the_size_keeps_the_cores_busy(label: str, share: float, cores: int, slots: int) -> None:
    assert slots == size_of(plan(label), profile(share, Kind.WAITS), cores)


def test_computing_needs_a_process_for_each_core_whatever_was_tried() -> None:
    assert size_of(plan("prefork:2"), COMPUTES, 16) == 16


def reasons(advice: Advice) -> str:
    return "\n".join(advice.reasons)


def test_reasons() -> None:
    assert reasons(advise(WAITS, ALL, cores=4)) == (
        "it computes for 2 % of its runtime: about 50 of it at once keep the core of one worker busy\n"
        "gevent:200 did 5.3 times as many tasks a second as threads:32"
    )
    assert "2 of it keep 2 cores busy, and more would only take turns" in reasons(advise(COMPUTES, ALL, cores=2))
    assert "20 at once is the most that was tried" in reasons(advise(WAITS, [run("gevent:20", 100)], cores=2))


def test_what_is_broken_is_not_compared_with() -> None:
    advice = advise(WAITS, [run("gevent:200", 100), run("threads:32", 300, unacknowledged=3)], cores=4)
    assert "times as many" not in reasons(advice)


@pytest.mark.parametrize(
    ("of", "runs", "reason"),
    [
        (
            WAITS,
            [run("gevent:20", 100), run("threads:40", 300)],
            "threads:40 did 3 times as many tasks a second, but in 40 slots instead of 20: try as many of gevent",
        ),
        (WAITS, [run("gevent:20", 100), run("threads:20", 150)], "but a slot of gevent costs less"),
        (COMPUTES, [run("prefork:4", 10), run("threads:4", 20)], "but on threads only one task computes at a time"),
        (COMPUTES, [run("prefork:4", 10), run("solo", 20)], "but solo does one at a time, whatever it waits for"),
    ],
    ids=lambda each: each[:30] if isinstance(each, str) else "",
)
def test_who_is_recommended_though_another_was_faster(of: TaskProfile, runs: list[PoolRun], reason: str) -> None:
    advice = advise(of, runs, cores=4)
    assert advice.plan is not None
    assert advice.plan.pool == runs[0].plan.pool
    assert reason in reasons(advice)


STUCK = run("gevent:200", 80, stuck_s=0.09, stuck_at=Frame(path="/app/shop/tasks.py", line=7, function="charge"))


def test_who_keeps_the_hub_is_told_and_threads_are_recommended() -> None:
    advice = advise(WAITS, [STUCK, run("threads:32", 300)], cores=4, root=Path("/app"))
    assert advice.plan == plan("threads:32")
    (obstacle,) = advice.obstacles
    assert obstacle == (
        "gevent:200: each task keeps the thread that all of them share for 90ms without computing "
        "(shop/tasks.py:7 charge): what it waits for there does not yield to gevent, so all others wait too"
    )


@pytest.mark.parametrize("stuck_s", [0.004, 0.019])
def test_a_moment_in_the_hub_is_none(stuck_s: float) -> None:
    assert advise(WAITS, [replace(STUCK, stuck_s=stuck_s)], cores=4).obstacles == ()


def test_one_after_the_other() -> None:
    advice = advise(WAITS, [run("threads:32", 11), run("prefork:8", 80)], cores=4)
    assert advice.plan == plan("prefork:8")
    assert advice.obstacles[0].startswith("threads:32: of 20 slots 1.1 work at once: each task waits")


def test_who_is_alone_is_not_one_after_the_other() -> None:
    assert advise(WAITS, [run("gevent:200", 9.9, tasks=1, succeeded=1)], cores=4).obstacles == ()


@pytest.mark.parametrize("of", [MIXED, COMPUTES, replace(WAITS, runtime_s=0.001)], ids=["mixed", "computes", "short"])
def test_who_is_one_after_the_other_for_a_good_reason(of: TaskProfile) -> None:
    assert advise(of, [run("threads:32", 11), run("prefork:8", 11)], cores=4).obstacles == ()


BROKEN = {
    "gevent is not installed": run("gevent:200", lack="gevent is not installed", throughput=0),
    "3 of 20 tasks failed: 3 × ValueError: no": run("gevent:200", succeeded=17, errors=("3 × ValueError: no",)),
    "9 of 20 tasks were not acknowledged, so that the broker will deliver them again; the worker logged 9 × No": (
        run("gevent:200", unacknowledged=9, logged=("9 × No",))
    ),
    "5 of 20 tasks had not ended when the time was over": run("gevent:200", succeeded=15, unfinished=5),
}


@pytest.mark.parametrize("text", BROKEN)
def test_what_is_broken_is_not_recommended(text: str) -> None:
    advice = advise(WAITS, [BROKEN[text], run("prefork:8", 80)], cores=4)
    assert advice.plan == plan("prefork:8")
    assert advice.obstacles == (f"gevent:200: {text}",)


def test_nothing_is_recommended_if_all_is_broken() -> None:
    assert advise(WAITS, [*BROKEN.values()], cores=4).plan is None


def test_limits_that_are_not_enforced() -> None:
    limited = options(soft_time_limit_s=20.0, time_limit_s=30.0)
    told = {of: advise(WAITS, [run(of, 80)], 4, limited).obstacles for of in ("gevent:200", "threads:32", "prefork:8")}
    assert told == {
        "gevent:200": ("gevent: the task's soft_time_limit=20 is not enforced on this pool",),
        "threads:32": (
            "threads: the task's soft_time_limit=20 is not enforced on this pool",
            "threads: the task's time_limit=30 is not enforced on this pool",
        ),
        "prefork:8": (),
    }


@pytest.mark.parametrize(("of", "label"), [(WAITS, "gevent:50"), (COMPUTES, "prefork:4"), (MIXED, "prefork:8")])
def test_what_suits_a_task_that_was_tried_on_no_pool(of: TaskProfile, label: str) -> None:
    assert suggest(of, cores=4) == plan(label)


def test_nobody_knows_what_suits_a_task_of_unknown_kind() -> None:
    assert suggest(replace(WAITS, kind=None, cpu_share=None), cores=4) is None
