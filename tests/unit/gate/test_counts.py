"""What is counted in two arms: runs that fail, tasks that do not succeed, executions."""

from __future__ import annotations

import pytest

from pytest_celery_perf.gate.contest import LATE
from pytest_celery_perf.gate.ends import NOT_ASKED, Ends
from pytest_celery_perf.gate.pairing import pair
from pytest_celery_perf.model.gate import GateCount, Standing, TaskSample
from pytest_celery_perf.model.verdict import Status
from tests.unit.gate.arms import TASK, Clock, arm_test, arms, only, play, statuses

# -- runs that fail ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("at", "reason"), [(0, "it fails in the base"), (5, "it fails now and then, in 62 of 66 runs in the base and 0")]
)
def test_a_test_that_fails_in_the_base_is_not_compared(at: int, reason: str) -> None:
    clock = Clock()
    base, head = arms(clock, {"test_a": 0.02}, {"test_a": 0.02})
    base.breaks_at = at
    broken = only(play(base, head, clock, "test_a"))
    assert broken.standing is Standing.BROKEN
    assert broken.reason.startswith(reason)
    assert "in the base: ValueError: it broke" in broken.reason
    assert broken.decision is None


@pytest.mark.parametrize("flaky", [0.05, 0.5, 0.95])
def test_a_test_that_fails_in_the_head_alone_fails(flaky: float) -> None:
    """However often it does, and with its first run, too."""
    clock = Clock()
    base, head = arms(clock, {"test_a": 0.02}, {"test_a": 0.02})
    head.flaky = flaky
    failed, *others = play(base, head, clock, "test_a", metrics=("runtime",)).comparisons
    assert (failed.task, failed.metric) == ("", GateCount.FAILED_RUNS)
    assert failed.decision is not None
    assert failed.decision.status is Status.FAIL
    assert failed.reason == "in the head: ValueError: it broke"
    assert all(each.decision is None and each.reason == NOT_ASKED for each in others if flaky > 0.05)


def test_a_test_that_fails_at_once_in_the_head_costs_a_run_in_each_epoch() -> None:
    clock = Clock()
    base, head = arms(clock, {"test_a": 0.02}, {"test_a": 0.02})
    head.breaks_at = 0
    outcome = play(base, head, clock, "test_a")
    assert statuses(outcome) == {("test_a", GateCount.FAILED_RUNS): Status.FAIL}
    assert (outcome.epochs, len(head.runs)) == (10, 2 + 10)


def test_a_test_that_fails_at_once_in_the_head_and_has_no_time() -> None:
    clock = Clock()
    base, head = arms(clock, {"test_a": 0.02}, {"test_a": 0.02})
    head.breaks_at = 0
    broken = only(play(base, head, clock, "test_a", within_s=0.03))
    assert (broken.standing, broken.reason) == (Standing.BROKEN, "it fails in the head: ValueError: it broke")


@pytest.mark.parametrize("flaky", [0.02, 0.2, 0.9])
def test_a_test_that_fails_alike_in_both_never_fails_the_head(flaky: float) -> None:
    for seed in range(10):
        clock = Clock()
        base, head = arms(clock, {"test_a": 0.02}, {"test_a": 0.02}, flaky=flaky)
        base.seed, head.seed = 2 * seed, 2 * seed + 1
        found = play(base, head, clock, "test_a", metrics=("runtime",)).comparisons
        assert not any(each.decision and each.decision.status is Status.FAIL for each in found)
        if flaky == 0.9:
            assert {each.standing for each in found} == {Standing.BROKEN}


def test_what_is_proved_stays_so_when_a_test_fails_later() -> None:
    clock = Clock()
    base, head = arms(clock, {"test_a": 0.02}, {"test_a": 0.0224}, spread=2.0)
    head.memory *= 2
    head.breaks_at = 15 * 11
    found = play(base, head, clock, "test_a", metrics=("runtime", "memory")).comparisons
    assert {each.note for each in found} == {
        "11 epochs are left out, in which runs failed: 0 in the base, 111 in the head"
    }
    assert {each.metric: each.decision and each.decision.status for each in found} == {
        GateCount.FAILED_RUNS: Status.FAIL,
        "runtime": Status.INCONCLUSIVE,
        "memory": Status.FAIL,
    }


def test_a_test_that_fails_now_and_then_is_compared() -> None:
    clock = Clock()
    base, head = arms(clock, {"test_a": 0.02}, {"test_a": 0.03})
    base.fails_at, head.fails_at = (5, 70), (40,)
    outcome = play(base, head, clock, "test_a", metrics=("runtime",))
    found = only(outcome)
    assert found.decision is not None
    assert found.decision.status is Status.FAIL
    assert found.series is not None
    assert len(found.series.base) == outcome.epochs - 3
    assert found.note == "3 epochs are left out, in which runs failed: 2 in the base, 1 in the head"


# -- tasks that fail, or try again ---------------------------------------------------------


def test_tasks_that_all_fail_in_the_head_alone_are_no_improvement() -> None:
    clock = Clock()
    base, head = arms(clock, {"test_a": 0.02}, {"test_a": 0.02})
    head.failing = 1.0
    outcome = play(base, head, clock, "test_a")
    failures, broken = outcome.comparisons
    assert (failures.task, failures.metric) == (TASK, GateCount.UNSUCCESSFUL)
    assert failures.decision is not None
    assert failures.decision.status is Status.FAIL
    assert failures.reason == "it raises ValueError: no such order"
    assert (broken.standing, broken.task) == (Standing.BROKEN, TASK)
    assert broken.reason == "it fails in the head, and not in the base: ValueError: no such order"
    assert outcome.epochs == 10  # an epoch doubles the evidence, at most


def test_tasks_that_fail_more_often_in_the_head_fail_and_the_others_are_compared() -> None:
    """With three of four failing at once and the fourth five times slower, the median would be far below the base's."""
    clock = Clock()
    base, head = arms(clock, {"test_a": 0.02}, {"test_a": 0.1})
    head.failing = 0.75
    found = statuses(play(base, head, clock, "test_a", metrics=("runtime",)))
    assert found == {("test_a", GateCount.UNSUCCESSFUL): Status.FAIL, ("test_a", "runtime"): Status.FAIL}


def test_tasks_that_fail_in_the_base_alone_are_not_compared() -> None:
    clock = Clock()
    base, head = arms(clock, {"test_a": 0.02}, {"test_a": 0.02})
    base.failing = 1.0
    outcome = play(base, head, clock, "test_a")
    broken = only(outcome)
    assert (broken.standing, broken.task, broken.decision) == (Standing.BROKEN, TASK, None)
    assert broken.reason == "it fails in the base, and not in the head: ValueError: no such order"
    assert outcome.epochs == 5


@pytest.mark.parametrize(("failed_s", "status"), [(0.02, Status.PASS), (0.03, Status.FAIL)])
@pytest.mark.parametrize("failing", [0.5, 1.0])
def test_tasks_that_fail_in_both_are_compared(failing: float, failed_s: float, status: Status) -> None:
    clock = Clock()
    base, head = arms(clock, {"test_a": 0.02}, {"test_a": 0.02}, failing=failing)
    base.failed_s, head.failed_s = 0.02, failed_s
    head.runtime_s["test_a"] = failed_s
    found = statuses(play(base, head, clock, "test_a", metrics=("runtime",)))
    assert found == {("test_a", "runtime"): status}


def test_a_task_that_fails_now_and_then_in_the_head_alone_is_not_passed() -> None:
    clock = Clock()
    base, head = arms(clock, {"test_a": 0.02}, {"test_a": 0.02})
    head.failing_at = (12,)
    found = statuses(play(base, head, clock, "test_a", metrics=("runtime",)))
    assert found == {("test_a", GateCount.UNSUCCESSFUL): Status.INCONCLUSIVE, ("test_a", "runtime"): Status.PASS}


def test_a_head_that_ignores_its_tasks_fails() -> None:
    clock = Clock()
    base, head = arms(clock, {"test_a": 0.02}, {"test_a": 0.02})
    head.end = "ignored"
    ignored, broken = play(base, head, clock, "test_a", metrics=("runtime",)).comparisons
    assert (ignored.metric, ignored.reason) == (GateCount.UNSUCCESSFUL, "it ends ignored")
    assert ignored.decision is not None
    assert ignored.decision.status is Status.FAIL
    assert broken.reason == "it ends otherwise: succeeded in the base, ignored in the head"


@pytest.mark.parametrize(("tries", "found"), [((1, 3), Status.FAIL), ((2, 3), Status.FAIL), ((3, 3), None)])
def test_a_head_that_tries_more_often_fails(tries: tuple[int, int], found: Status | None) -> None:
    clock = Clock()
    base, head = arms(clock, {"test_a": 0.02}, {"test_a": 0.02})
    base.tries, head.tries = tries
    expected = {("test_a", "runtime"): Status.PASS} | ({("test_a", GateCount.EXECUTIONS): found} if found else {})
    assert statuses(play(base, head, clock, "test_a", metrics=("runtime",))) == expected


def test_what_never_ends_alike_is_given_up_with_the_reason() -> None:
    clock = Clock()
    base, head = arms(clock, {"test_a": 0.02}, {"test_a": 0.02})
    base.drained, head.drained = "failed and succeeded", "succeeded"
    outcome = play(base, head, clock, "test_a", metrics=("runtime", "drain"))
    (broken,) = [each for each in outcome.comparisons if each.metric == "drain"]
    assert (broken.standing, broken.decision) == (Standing.BROKEN, None)
    assert broken.reason == (
        "drain is of tasks that end otherwise: failed and succeeded in the base, succeeded in the head"
    )
    assert outcome.epochs < 10


def test_too_little_time_to_prove_that_tasks_fail() -> None:
    clock = Clock()
    base, head = arms(clock, {"test_a": 0.1}, {"test_a": 0.1})
    head.failing = 1.0
    failures, broken = play(base, head, clock, "test_a", within_s=4.0).comparisons
    assert failures.decision is not None
    assert failures.decision.status is Status.INCONCLUSIVE
    assert failures.reason == f"{LATE}; it raises ValueError: no such order"
    assert broken.standing is Standing.BROKEN


def test_tasks_that_end_otherwise_are_not_compared() -> None:
    pairs = [TaskSample(task=TASK, figures={"runtime": (1.0,)}, end=end) for end in ("succeeded", "ignored")]
    (tests,) = pair([arm_test("test_a")], [arm_test("test_a")]).pairs
    broken = Ends(tests, TASK, pairs[:1], pairs[1:]).broken()
    assert broken.reason == "it ends otherwise: succeeded in the base, ignored in the head"
