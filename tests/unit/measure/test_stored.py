"""What stored runs lead one to expect, against the figures that were simulated."""

from __future__ import annotations

import math
import random
from dataclasses import replace
from itertools import cycle, islice
from statistics import NormalDist

import pytest

from pytest_celery_perf.measure.stored import Outlook, Past, detectable, figures_of, margin, unit_of
from pytest_celery_perf.model.record import Outcome
from pytest_celery_perf.model.verdict import Status
from tests.unit.baseline.runs import CALIBRATION, TASK, TEST, run
from tests.unit.histories import NAME, execution, failed, history, publication, query, retried


def around(centre: float, residual: float, runs: int = 20) -> tuple[float, ...]:
    """Figures whose logarithms have exactly that mean and standard deviation."""
    normal = NormalDist()
    quantiles = [normal.inv_cdf((number + 0.5) / runs) for number in range(runs)]
    spread = math.sqrt(sum(each**2 for each in quantiles) / (runs - 1))
    return tuple(centre * math.exp(each / spread * residual) for each in quantiles)


def outlook(change: float, *, residual: float = 0.03, runs: int = 20, metric: str = "runtime") -> Outlook:
    """Compare a figure with runs of 20 ms."""
    history_ = around(1.0, residual, runs)
    return Outlook.of(metric, 0.02 * (1 + change), history_, unit=0.02, tolerance=0.05, noticeable=0.2, alpha=0.001)


@pytest.mark.parametrize(("residual", "percent"), [(0.05, 20), (0.10, 44), (0.15, 73)])
def test_the_smallest_slowdown_of_twenty_runs(residual: float, percent: int) -> None:
    assert percent == round(100 * detectable(residual, 20))


@pytest.mark.parametrize(
    ("change", "residual", "status"),
    [
        (0.0, 0.03, Status.PASS),
        (-0.5, 0.03, Status.PASS),
        (0.15, 0.03, Status.FAIL),
        (0.11, 0.03, Status.PASS),
        (1.0, 0.03, Status.FAIL),
        (1.0, 0.08, Status.INCONCLUSIVE),
        (0.15, 0.05, Status.INCONCLUSIVE),
        (0.0, 0.08, Status.PASS),
        (0.1, 0.08, Status.INCONCLUSIVE),
        (0.0, 0.15, Status.INCONCLUSIVE),
        (0.04, 0.0, Status.PASS),
        (0.06, 0.0, Status.FAIL),
    ],
)
def test_what_is_decided(change: float, residual: float, status: Status) -> None:
    assert status is outlook(change, residual=residual).status


def test_what_is_more_than_chance_is_advice_where_the_runs_differ_by_much() -> None:
    found = outlook(1.0, residual=0.08)
    assert (True, Status.INCONCLUSIVE) == (found.exceeded, found.status)
    assert found.change == pytest.approx(1.0)


def test_few_runs_tell_nothing() -> None:
    found = [outlook(9.0, runs=runs).status for runs in (0, 4, 5)]
    assert [Status.INCONCLUSIVE, Status.INCONCLUSIVE, Status.FAIL] == found


@pytest.mark.parametrize("figure", [0.0, math.nan, math.inf, -1.0])
def test_what_cannot_be_computed_neither_passes_nor_fails(figure: float) -> None:
    for actual, stored in ((figure, [1.0] * 6), (1.0, [1.0] * 5 + [figure])):
        found = Outlook.of("cpu", actual, stored, unit=1.0, tolerance=0.05, noticeable=0.2, alpha=0.001)
        assert found.status is Status.INCONCLUSIVE


def test_a_difference_that_nobody_cares_about_is_none() -> None:
    """A tenth of a millisecond, or a mebibyte."""
    short = Outlook.of("runtime", 0.00015, [0.0001] * 20, unit=1.0, tolerance=0.05, noticeable=0.2, alpha=0.001)
    small = Outlook.of("memory", 1.5e6, [1e6] * 20, unit=1.0, tolerance=0.05, noticeable=0.2, alpha=0.001)
    assert (short.status, small.status) == (Status.PASS, Status.PASS)


def test_a_false_alarm_is_as_rare_as_was_said() -> None:
    chance = random.Random(7)
    alarms, trials = 0, 4000
    for _ in range(trials):
        *stored, now = (math.exp(chance.gauss(0, 0.04)) for _ in range(8))
        found = Outlook.of("cpu", now, stored, unit=1.0, tolerance=0.0, noticeable=0.2, alpha=0.01)
        alarms += found.exceeded
    assert 0.005 < alarms / trials < 0.015


def test_a_slower_machine_is_no_slower_code() -> None:
    runs = [run(day, slower=slower, runtime=0.02, cpu=0.02) for day, slower in enumerate(islice(cycle([1, 2, 3]), 9))]
    for metric in ("runtime", "cpu"):
        assert Past.of(runs).series[TEST, TASK, metric, ""] == pytest.approx((1.0,) * 9)


def test_memory_has_nothing_to_do_with_speed() -> None:
    assert unit_of("memory", CALIBRATION) == 1.0
    assert unit_of("runtime", replace(CALIBRATION, wall_s=3.0)) == 3.0


def test_the_more_is_compared_the_surer_a_fail_must_be() -> None:
    runs = [run(0, runtime=1, cpu=1, queries=3)]
    many = replace(
        runs[0], figures=tuple(replace(figure, test=f"t{n}") for n in range(100) for figure in runs[0].figures)
    )
    assert Past.of(runs).alpha == 0.001
    assert Past.of([many]).alpha == pytest.approx(0.01 / 200)
    assert margin(0.05, 20, Past.of([many]).alpha) > margin(0.05, 20, 0.001)


def test_whether_tasks_succeed_is_compared_as_often_as_there_are_tasks() -> None:
    one = run(0, runtime=1, tasks=6, succeeded=6)
    many = replace(one, figures=tuple(replace(each, test=f"t{n}") for n in range(100) for each in one.figures))
    assert Past.of([many]).alpha == pytest.approx(0.01 / 200)


def test_what_is_stored_of_a_test() -> None:
    ids = ("t1", "t2", "t3")
    told = history(
        *(execution(each, body=10 * n, cpu_ns=n * 1_000_000, queries=(query(),)) for n, each in enumerate(ids, 1)),
        publications=tuple(map(publication, ids)),
    )
    assert {each.metric: each.value for each in figures_of(TEST, told)} == {
        "runtime": 0.02,
        "cpu": 0.002,
        "tasks": 3,
        "succeeded": 3,
        "executions": 3,
        "retries": 0,
        "queries": 1,
    }
    assert {(each.test, each.task, each.end) for each in figures_of(TEST, told)} == {(TEST, NAME, "")}


def test_each_end_has_figures_of_its_own() -> None:
    told = history(
        retried("t1", countdown_s=0, body=5),
        execution("t1", retries=1, body=20),
        failed("t2", body=1),
        publications=tuple(map(publication, ("t1", "t2"))),
    )
    found = {(each.metric, each.end): each.value for each in figures_of(TEST, told)}
    assert {"retried": 0.005, "": 0.02, "failed": 0.001} == {
        end: value for (metric, end), value in found.items() if metric == "runtime"
    }
    assert (2, 1, 3) == (found["tasks", ""], found["succeeded", ""], found["executions", ""])


def test_a_task_that_was_ignored_or_never_begun_is_not_among_those_that_succeeded() -> None:
    told = history(
        execution("t1"),
        execution("t2", outcome=Outcome.IGNORED),
        publications=(*map(publication, ("t1", "t2")), publication("t3", discarded=Outcome.REVOKED)),
    )
    found = {each.metric: each.value for each in figures_of(TEST, told) if not each.end}
    assert (3, 1) == (found["tasks"], found["succeeded"])
