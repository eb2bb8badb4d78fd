from __future__ import annotations

from dataclasses import replace

import pytest

from pytest_celery_perf.judge.sizes import best_of, enough, size_of
from pytest_celery_perf.model.pools import Kind
from tests.unit.judge.pools import COMPUTES, WAITS, plan, profile, run


@pytest.mark.parametrize(
    ("label", "share", "cores", "slots"),
    [
        ("gevent:200", 0.02, 8, 50),  # one core, however many there are
        ("threads:32", 0.02, 8, 50),
        ("prefork:64", 0.1, 4, 40),
        ("gevent:5000", 0.0, 4, 1000),
        ("solo", 0.02, 4, 1),
    ],
)
def test_so_many_keep_the_cores_busy(label: str, share: float, cores: int, slots: int) -> None:
    assert slots == enough(run(label, worker_cpu_s=share * 0.1), profile(share, Kind.WAITS), cores)


def test_celerys_own_work_counts() -> None:
    napping = profile(0.003, Kind.WAITS, runtime_s=0.05)
    assert enough(run("gevent:448", worker_cpu_s=0.0047), napping, 2) == 12


def test_nobody_knows_how_many_without_the_workers_cpu_time() -> None:
    assert enough(run("gevent:200"), WAITS, 4) is None
    assert size_of(run("gevent:200"), [run("gevent:200")], WAITS, 4).plan == plan("gevent:200")


@pytest.mark.parametrize(("done", "best"), [((10, 90, 100), "gevent:40"), ((95, 90, 100), "gevent:10")])
def test_the_smallest_that_did_about_as_much_as_the_best(done: tuple[float, ...], best: str) -> None:
    runs = [run(f"gevent:{size}", rate) for size, rate in zip((10, 40, 200), done, strict=True)]
    assert best_of(runs, WAITS, 2).plan == plan(best)


def test_slots_beyond_what_keeps_the_core_busy_do_more_by_chance_alone() -> None:
    """A busy machine had more time for the last one."""
    napping = profile(0.003, Kind.WAITS, runtime_s=0.05)
    done = {"gevent:10": 75.3, "gevent:40": 84.2, "gevent:448": 168}
    runs = [run(label, rate, worker_cpu_s=0.0046) for label, rate in done.items()]
    best = best_of(runs[::-1], napping, 2)
    assert best.plan == plan("gevent:40")
    size = size_of(best, runs, napping, 2)
    assert size.plan == best.plan
    assert size.reasons[1:] == (
        "gevent:40 did 84.2 tasks a second, gevent:10 did 75.3, gevent:448 did 168",
        "what more slots did beyond that is no merit of theirs: see below, or run it again on an idle machine",
    )


def test_a_smaller_size_is_computed_only_if_none_was_tried_and_did_less() -> None:
    large, small = run("gevent:200", 352, worker_cpu_s=0.002), run("gevent:20", 50, worker_cpu_s=0.002)
    assert size_of(large, [large], WAITS, 2).plan == plan("gevent:50")
    assert size_of(large, [small, large], WAITS, 2).plan == plan("gevent:200")


def test_a_larger_size_is_computed_only_of_what_computes_and_if_none_was_tried() -> None:
    few, more = run("prefork:2", 20, worker_cpu_s=0.1), run("prefork:32", 20, worker_cpu_s=0.1)
    assert size_of(few, [few], COMPUTES, 16).plan == plan("prefork:16")
    assert size_of(few, [few, more], COMPUTES, 16).plan == plan("prefork:2")
    waits = run("gevent:20", 50, worker_cpu_s=0.002)
    size = size_of(waits, [waits], WAITS, 2)
    assert size.plan == plan("gevent:20")
    assert size.reasons[-1] == "20 at once is the most that was tried"


def test_a_size_that_was_broken_was_tried_too() -> None:
    few, broken = run("prefork:2", 20, worker_cpu_s=0.1), run("prefork:32", lack="no memory")
    assert size_of(few, [few, broken], replace(COMPUTES, runtime_s=0.2), 16).plan == plan("prefork:2")
