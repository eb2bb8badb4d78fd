from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from pytest_celery_perf.gate.bout import Bout, quads
from pytest_celery_perf.gate.channel import Ran
from pytest_celery_perf.gate.contest import LATE
from pytest_celery_perf.gate.schedule import EPOCHS
from pytest_celery_perf.measure.taken import paired_quantiles
from pytest_celery_perf.model.gate import Standing, TaskSample
from pytest_celery_perf.model.verdict import Status
from tests.unit.gate.arms import TASK, Clock, arm_test, arms, only, play, statuses


def test_a_slower_test_fails_and_its_neighbour_passes() -> None:
    clock = Clock()
    base, head = arms(clock, {"test_a": 0.02, "test_b": 0.02}, {"test_a": 0.03, "test_b": 0.02})
    found = statuses(play(base, head, clock, "test_a", "test_b"))
    assert found == {
        ("test_a", "runtime"): Status.FAIL,
        ("test_a", "cpu"): Status.FAIL,
        ("test_a", "memory"): Status.PASS,
        ("test_b", "runtime"): Status.PASS,
        ("test_b", "cpu"): Status.PASS,
        ("test_b", "memory"): Status.PASS,
    }


def test_what_is_decided_is_not_run_again() -> None:
    clock = Clock()
    base, head = arms(clock, {"test_a": 0.02, "test_b": 0.02}, {"test_a": 0.02, "test_b": 0.025}, spread=0.3)
    outcome = play(base, head, clock, "test_a", "test_b", metrics=("runtime",))
    runs = Counter(nodeid for nodeid, _ in head.runs)
    assert runs["test_a.py::test_a"] < runs["test_a.py::test_b"]
    assert outcome.epochs == base.renewals == head.renewals


def test_both_arms_run_alike() -> None:
    clock = Clock()
    log: list[str] = []
    base, head = arms(clock, {"test_a": 0.02}, {"test_a": 0.02}, log=log)
    play(base, head, clock, "test_a")
    assert sorted(base.runs) == sorted(head.runs)
    # One to begin with; then of each epoch a first one in each arm, and quads.
    epoch = log[4:14]
    assert sorted(epoch[:4]) == sorted(epoch[4:8]) == ["base", "base", "head", "head"]
    assert {run[1] for run in head.runs} == {("memory",), ()}


def test_nothing_is_decided_between_tolerance_and_notice() -> None:
    clock = Clock()
    base, head = arms(clock, {"test_a": 0.02}, {"test_a": 0.0224}, spread=2.0)
    outcome = play(base, head, clock, "test_a", metrics=("runtime",))
    assert outcome.epochs == EPOCHS
    found = only(outcome)
    assert found.decision is not None
    assert (found.decision.status, found.reason) == (Status.INCONCLUSIVE, "")


def test_time_runs_out() -> None:
    clock = Clock()
    base, head = arms(clock, {"test_a": 0.1, "test_b": 0.1}, {"test_a": 0.1, "test_b": 0.1}, spread=0.5)
    outcome = play(base, head, clock, "test_a", "test_b", within_s=5.0, metrics=("runtime",))
    assert outcome.late
    assert {each.reason for each in outcome.comparisons} == {LATE}
    assert clock() < 6.0


def test_time_runs_out_before_the_first_run() -> None:
    clock = Clock()
    base, head = arms(clock, {"test_a": 10.0, "test_b": 10.0}, {"test_a": 10.0, "test_b": 10.0})
    outcome = play(base, head, clock, "test_a", "test_b", within_s=5.0)
    assert {each.reason for each in outcome.comparisons} == {LATE}
    assert outcome.epochs == 0


@pytest.mark.parametrize("side", ["base", "head"])
def test_an_arm_that_hangs_at_once(side: str) -> None:
    clock = Clock()
    names = ("test_a", "test_b", "test_c")
    base, head = arms(clock, dict.fromkeys(names, 0.1), dict.fromkeys(names, 0.1))
    (base if side == "base" else head).hangs_at = 2
    outcome = play(base, head, clock, *names, metrics=("runtime",))
    told = {each.test.partition("::")[2]: each.reason for each in outcome.comparisons}
    assert told == dict.fromkeys(names, f"{LATE}: the {side} gave no answer while it ran test_a.py::test_b")
    assert (outcome.late, outcome.epochs) == (True, 0)


def test_an_arm_that_hangs_later() -> None:
    clock = Clock()
    base, head = arms(clock, {"test_a": 0.1}, {"test_a": 0.1}, spread=0.5)
    head.hangs_at = 30
    nodeid = arm_test("test_a").nodeid
    outcome = play(base, head, clock, "test_a", metrics=("runtime",))
    assert (outcome.late, only(outcome).reason) == (True, f"{LATE}: the head gave no answer while it ran {nodeid}")
    assert len(head.runs) == 30, "nobody asks it again"


def test_tasks_of_one_arm() -> None:
    clock = Clock()
    base, head = arms(clock, {"test_a": 0.02}, {"test_a": 0.02})
    base.tasks, head.tasks = (TASK, "shop.tasks.old"), (TASK, "shop.tasks.new")
    found = play(base, head, clock, "test_a", metrics=("runtime",)).comparisons
    assert {(each.task, each.standing) for each in found} == {
        (TASK, Standing.COMPARED),
        ("shop.tasks.old", Standing.REMOVED),
        ("shop.tasks.new", Standing.NEW),
    }


def test_only_the_task_that_the_marker_names() -> None:
    clock = Clock()
    base, head = arms(clock, {"test_a": 0.02}, {"test_a": 0.02}, tasks=(TASK, "shop.tasks.mail"))
    found = play(base, head, clock, "test_a", metrics=("cpu",), task="shop.tasks.mail").comparisons
    assert [(each.task, each.metric) for each in found] == [("shop.tasks.mail", "cpu")]


@pytest.mark.parametrize(
    ("budget", "reason"),
    [
        ({"metrics": ("drain",)}, "drain could not be measured in both: drain takes 10 tasks"),
        ({"metrics": ("queue", "drain")}, "queue and drain could not be measured in both: drain takes 10 tasks"),
        ({"task": "shop.tasks.typo"}, "the test does not run shop.tasks.typo, the task that celery_regression names"),
    ],
)
def test_what_was_asked_for_and_not_measured_is_told(budget: dict[str, Any], reason: str) -> None:
    clock = Clock()
    base, head = arms(clock, {"test_a": 0.02}, {"test_a": 0.02})
    found = only(play(base, head, clock, "test_a", **budget))
    assert (found.standing, found.decision, found.reason) == (Standing.COMPARED, None, reason)


def test_the_order_of_arms() -> None:
    orders = [[*quads(2, [draw])] for draw in (True, False)]
    assert orders == [[True, False, False, True], [False, True, True, False]]
    assert Counter(quads(10, [True, False, True, False, False])) == {True: 10, False: 10}


def test_first_executions_of_a_process_count_only_where_there_are_no_others() -> None:
    bout = Bout(others=[_ran(9.0, cold=True), _ran(1.0, cold=False), _ran(2.0, cold=False), _ran(8.0, cold=True)])
    cold = Bout(others=[_ran(9.0, cold=True)])
    found = paired_quantiles(bout.samples(TASK, "runtime"), cold.samples(TASK, "runtime"), "runtime")
    assert found == (1.0, 9.0)


def _ran(runtime_s: float, *, cold: bool) -> Ran:
    sample = TaskSample(task=TASK, figures={"runtime": (runtime_s,)}, cold=cold)
    return Ran(complaint="", duration_s=runtime_s, samples=(sample,))
