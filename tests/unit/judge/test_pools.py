from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from pytest_celery_perf.judge.pools import advise, suggest
from pytest_celery_perf.model.frame import Frame
from pytest_celery_perf.model.pools import Advice, Fit, PoolRun, TaskProfile
from tests.unit.histories import options
from tests.unit.judge.pools import COMPUTES, MIXED, WAITS, plan, run


def all_of(of: TaskProfile) -> list[PoolRun]:
    """Return a run on each pool of a worker that does nothing but to run the task."""
    cpu_s = (of.cpu_share or 0) * of.runtime_s
    done = {"prefork:8": 80, "threads:32": 300, "gevent:200": 1600, "solo": 10}
    return [run(label, throughput, worker_cpu_s=cpu_s) for label, throughput in done.items()]


ALL = all_of(WAITS)


@pytest.mark.parametrize(
    ("of", "best"),
    [(WAITS, "gevent:50"), (COMPUTES, "prefork:4"), (MIXED, "prefork:8")],
    ids=lambda each: str(each)[:9],
)
def test_each_kind_has_its_pool(of: TaskProfile, best: str) -> None:
    assert plan(best) == advise(of, all_of(of), cores=4).plan
    assert advise(of, all_of(of), cores=4).obstacles == ()


def reasons(advice: Advice) -> str:
    return "\n".join(advice.reasons)


def test_reasons() -> None:
    assert reasons(advise(WAITS, ALL, cores=4)) == (
        "each takes a worker 2ms of CPU time, Celery's own work included: about 50 of it at once keep the core of one "
        "worker busy\n"
        "gevent:50 follows from gevent:200, and was not tried itself\n"
        "gevent:200 did 5.3 times as many tasks a second as threads:32"
    )
    computes = reasons(advise(COMPUTES, all_of(COMPUTES), cores=2))
    assert "it computes for 99 % of its runtime: 2 of it keep 2 cores busy, and more would only take turns" in computes
    assert "prefork:2 follows from prefork:8, and was not tried itself" in computes
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
        (
            WAITS,
            [run("gevent:20", 95), run("threads:20", 100)],
            "threads:20 did hardly more tasks a second than gevent",
        ),
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


def test_who_does_more_is_recommended_once_more_slots_of_what_is_cheap_would_not_help() -> None:
    runs = [run("gevent:200", 220, worker_cpu_s=0.0045), run("threads:20", 330, worker_cpu_s=0.0024)]
    advice = advise(replace(WAITS, runtime_s=0.05), runs, cores=2)
    assert advice.plan == plan("threads:20")
    assert "threads:20 did 1.5 times as many tasks a second as gevent:200" in advice.reasons
    assert advice.reasons[-1] == (
        "gevent:200 did less, and more slots of gevent would not make up for it: each takes a worker 4.5ms of CPU "
        "time, Celery's own work included: about 12 of it at once keep the core of one worker busy"
    )


def test_who_does_more_than_more_of_what_is_cheap_could_is_recommended() -> None:
    partly, kept = replace(WAITS, runtime_s=0.32), run("gevent:10", 26, worker_cpu_s=0.004, stuck_s=0.02)
    assert advise(partly, [kept, run("threads:20", 60)], cores=2).plan == plan("threads:20")
    assert advise(partly, [kept, run("threads:20", 35)], cores=2).plan == plan("gevent:10")


def test_who_does_more_than_any_size_of_what_is_cheap_is_recommended() -> None:
    advice = advise(WAITS, [run("gevent:10", 100), run("gevent:40", 105), run("threads:32", 200)], cores=2)
    assert advice.plan == plan("threads:32")
    assert advice.reasons[-1] == "gevent:10 did less, and more slots of gevent did no better"


def test_of_the_sizes_that_did_about_as_much_the_smallest_is_recommended() -> None:
    sizes = [
        run("gevent:10", 127, worker_cpu_s=0.60 / 127),
        run("gevent:40", 114, worker_cpu_s=0.55 / 114),
        run("gevent:448", 96.5, worker_cpu_s=0.47 / 96.5),
    ]
    advice = advise(replace(WAITS, runtime_s=0.05), sizes, cores=2)
    assert advice.plan == plan("gevent:10")
    assert advice.reasons == (
        (
            "each takes a worker 4.72ms of CPU time, Celery's own work included: about 11 of it at once keep the core "
            "of one worker busy"
        ),
        "gevent:10 did 127 tasks a second, gevent:40 did 114, gevent:448 did 96.5",
    )


STUCK = run("gevent:200", 80, stuck_s=0.09, stuck_at=Frame(path="/app/shop/tasks.py", line=7, function="charge"))


def test_who_keeps_the_hub_is_told_and_threads_are_recommended() -> None:
    advice = advise(WAITS, [STUCK, run("threads:32", 300)], cores=4, root=Path("/app"))
    assert advice.plan == plan("threads:32")
    (obstacle,) = advice.obstacles
    assert obstacle == (
        "gevent:200: each task keeps the thread that all of them share for 90ms without computing "
        "(shop/tasks.py:7 charge): what it waits for there does not yield to gevent, so all others wait too, and no "
        "more than 1 are done at once"
    )


@pytest.mark.parametrize(
    ("stuck_s", "label", "slots"), [(0.02, "gevent:100", 16), (0.02, "gevent:20", 16), (0.0035, "gevent:100", 91)]
)
def test_who_keeps_the_hub_for_longer_than_there_is_time_is_told(stuck_s: float, label: str, slots: int) -> None:
    """300 ms of a service, and one query of an unpatched driver: a small share of the runtime, in each of all slots."""
    partly = replace(WAITS, runtime_s=0.32, cpu_share=0.001)
    advice = advise(partly, [run(label, 30, stuck_s=stuck_s, worker_cpu_s=0.004), run("threads:20", 60)], cores=2)
    assert advice.plan == plan("threads:20")
    (obstacle,) = advice.obstacles
    assert obstacle.startswith(f"{label}: each task keeps the thread that all of them share for ")
    assert obstacle.endswith(f"so all others wait too, and no more than {slots} are done at once")


@pytest.mark.parametrize(("stuck_s", "label"), [(0.0009, "gevent:200"), (0.02, "gevent:4"), (None, "gevent:200")])
def test_a_moment_in_the_hub_is_none(stuck_s: float | None, label: str) -> None:
    assert advise(WAITS, [run(label, 80, stuck_s=stuck_s)], cores=4).obstacles == ()


def test_what_may_have_been_taken_from_a_task_that_computes_is_not_its_own() -> None:
    some = replace(WAITS, cpu_share=0.15)
    assert advise(some, [run("gevent:200", 80, stuck_s=0.003, cpu_s=0.015)], cores=4).obstacles == ()
    assert advise(some, [run("gevent:200", 80, stuck_s=0.005, cpu_s=0.015)], cores=4).obstacles != ()


def test_who_keeps_the_hub_has_no_more_slots_than_there_is_time_for() -> None:
    advice = advise(replace(WAITS, runtime_s=0.32), [run("gevent:15", 30, stuck_s=0.02, worker_cpu_s=0.02)], cores=2)
    assert advice.plan == plan("gevent:8")
    assert "20ms of CPU time, Celery's own work included, and keeps its thread for another 20ms: about 8 of it" in (
        reasons(advice)
    )


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
    "2 of 20 tasks failed: 2 × Process exited": run("gevent:200", succeeded=18, logged=("2 × Process exited",)),
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


@pytest.mark.parametrize(("of", "label"), [(WAITS, "gevent"), (COMPUTES, "prefork:4"), (MIXED, "prefork")])
def test_no_size_is_computed_without_celerys_own_work_unless_it_matters_little(of: TaskProfile, label: str) -> None:
    fit = suggest(of, cores=4)
    assert fit is not None
    assert label == fit.label


def test_a_size_is_computed_from_a_run() -> None:
    tried = run("gevent:10", 100, worker_cpu_s=0.0049)
    assert suggest(WAITS, 4, [tried]) == Fit(pool="gevent", concurrency=21)
    assert suggest(WAITS, 4, [tried], without=["gevent"]) == Fit(pool="threads")


def test_nobody_knows_what_suits_a_task_of_unknown_kind() -> None:
    assert suggest(replace(WAITS, kind=None, cpu_share=None), cores=4) is None
