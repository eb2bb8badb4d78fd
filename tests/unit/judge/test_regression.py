"""celery_regression fails where a metric is surely worse, says where to look, and admits what it does not know."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from pytest_celery_perf.judge.regression import judge
from pytest_celery_perf.measure.evidence import decide, decide_count, threshold
from pytest_celery_perf.model.gate import Comparison, GateCount, GateMetric, Series, Standing
from pytest_celery_perf.model.verdict import Status, Verdict
from pytest_celery_perf.report.terminal import verdict_text

TEST, TASK = "tests/test_pay.py::test_pay[20 items]", "shop.tasks.charge"
BASE = "--celery-perf-base=origin/main"
MIB = float(1 << 20)
MS = 1e-3
WAVE = (0.99, 1.0, 1 / 0.99)
"""What one epoch differs from the next, in both arms."""


def compared(metric: str, base: float, head: float, *, epochs: int = 15, **fields: Any) -> Comparison:
    """A comparison by these figures, give or take what epochs differ."""
    waves = [WAVE[number % len(WAVE)] for number in range(epochs)]
    series = Series(base=tuple(base * wave for wave in waves), head=tuple(head * wave for wave in reversed(waves)))
    return of(metric, series, **fields)


def of(metric: str, series: Series, **fields: Any) -> Comparison:
    needed = threshold(3)
    return replace(
        Comparison(
            test=TEST,
            standing=Standing.COMPARED,
            task=TASK,
            metric=metric,
            threshold=needed,
            series=series,
            decision=decide(series, metric, tolerance=0.05, noticeable=0.20, threshold=needed),
        ),
        **fields,
    )


def verdict_of(*comparisons: Comparison, strict: bool = False) -> Verdict:
    (verdict,) = judge(comparisons, options=[BASE], strict=strict)
    return verdict


def gist(verdict: Verdict) -> str:
    return verdict_text(verdict).splitlines()[0].partition(": ")[2]


SAME = compared("memory", 70 * MIB, 70 * MIB)
LATE = "the time was over (--celery-perf-budget-time)"
UNDECIDED = compared("runtime", 20 * MS, 22 * MS, epochs=3, reason=LATE)
NEW = Comparison(test=TEST, standing=Standing.NEW, reason="the base has no such test")
BROKEN = Comparison(test=TEST, standing=Standing.BROKEN, reason="it fails in the base: no module named shop.billing")


# -- the answer ----------------------------------------------------------------------------


def test_what_is_the_same_passes_and_says_how_much_it_would_have_noticed() -> None:
    verdict = verdict_of(compared("runtime", 20 * MS, 20.2 * MS, epochs=6), SAME)

    assert Status.PASS is verdict.status
    assert verdict_text(verdict).splitlines()[1:3] == [
        "    ✓ runtime  +1 % (20.2ms)  < +20 % of 20ms",
        "    ✓ memory    +0 % (70MiB)  < +20 % of 70MiB",
    ]
    assert verdict.evidence[0] == (
        "runtime in 6 epochs: base 20ms (19.8ms to 20.2ms), head 20.2ms (20ms to 20.4ms); "
        "detectable: +3.5 % beyond the tolerance"
    )
    assert verdict.fix == ()


def test_what_is_surely_worse_fails_and_says_by_how_much_and_how_sure_it_is() -> None:
    verdict = verdict_of(compared("runtime", 20 * MS, 25 * MS), SAME)

    assert verdict.failed
    assert verdict_text(verdict).startswith(
        f"✗ celery_regression {TASK}: runtime +25 % (25ms), surer than 1 : 22,000 (budget ≤ +5 % of 20ms)\n"
    )
    assert verdict.evidence[0] == (
        "runtime in 15 epochs: base 20ms (19.8ms to 20.2ms), head 25ms (24.8ms to 25.3ms); "
        "detectable: +2.1 % beyond the tolerance"
    )
    assert "a FAIL takes 1 : 1,000, with all comparisons of this run accounted for" in verdict.evidence
    assert f"to compare this test alone: pytest '{TEST}' {BASE}" == verdict.fix[-1]


def test_what_is_not_decided_warns() -> None:
    verdict = verdict_of(UNDECIDED, SAME)

    assert Status.INCONCLUSIVE is verdict.status
    assert verdict_text(verdict).splitlines()[0] == (
        f"? celery_regression {TASK}: runtime undecided, +10 % (20ms → 22ms) in 3 epochs: {LATE}; "
        "a FAIL takes 10 epochs at least"
    )
    assert any("--celery-perf-budget-time" in line for line in verdict.fix)


def test_what_is_not_decided_after_many_epochs_says_what_they_could_have_told() -> None:
    verdict = verdict_of(of("runtime", Series(base=(1.0,) * 40, head=(0.8, 1.6) * 20)))

    assert Status.INCONCLUSIVE is verdict.status
    assert verdict.evidence[0] == (
        "runtime undecided, +13 % (1s → 1.13s) in 40 epochs: the evidence did not suffice; "
        "detectable: +30 % beyond the tolerance"
    )


def test_what_is_not_decided_fails_where_that_is_wished() -> None:
    verdict = verdict_of(UNDECIDED, SAME, strict=True)

    assert verdict.failed
    assert "runtime +10 % (22ms), undecided (budget ≤ +5 % of 20ms)" in verdict_text(verdict)


def test_a_regression_is_told_beside_what_is_not_decided() -> None:
    verdict = verdict_of(UNDECIDED, compared("memory", 70 * MIB, 90 * MIB))

    assert verdict.failed
    assert ["memory"] == [check.metric for check in verdict.checks if not check.ok]
    assert verdict.evidence[0].startswith("runtime undecided")


def test_what_is_small_is_held_to_the_floor_of_its_metric() -> None:
    passed = verdict_of(compared("runtime", 0.3 * MS, 0.39 * MS))
    assert (Status.PASS, "runtime +30 % (390µs) < +100µs on 300µs") == (passed.status, gist(passed))

    failed = verdict_of(compared("runtime", 0.3 * MS, 0.45 * MS))
    assert (Status.FAIL, "(budget ≤ +100µs on 300µs)") == (failed.status, gist(failed)[-26:])


def counted(base: float, head: float, epochs: int, metric: str = GateCount.UNSUCCESSFUL, **fields: Any) -> Comparison:
    series = Series(base=(base,) * epochs, head=(head,) * epochs)
    decision = decide_count(series, metric, threshold(1))
    found = replace(SAME, metric=metric, series=series, decision=decision, threshold=threshold(1))
    return replace(found, **{"reason": "it raises ValueError: no row", **fields})


def test_tasks_that_fail_in_the_head_alone_fail_whatever_else_passes() -> None:
    verdict = verdict_of(counted(0.0, 0.75, epochs=12), SAME)

    assert verdict.failed
    assert gist(verdict) == "unsuccessful tasks 75 %, surer than 1 : 3,800 (budget ≤ 0 %, as in the base)"
    assert verdict.evidence[0] == (
        "unsuccessful tasks in 12 epochs: 0 % in the base, 75 % in the head; it raises ValueError: no row"
    )
    assert "a FAIL takes 1 : 1,000, with all comparisons of this run accounted for" in verdict.evidence
    assert "celery_regression(metrics=[])" in verdict.fix[0]
    assert 2 == len(verdict.fix)
    slower = verdict_of(counted(0.0, 0.75, epochs=12), compared("runtime", 20 * MS, 25 * MS))
    assert not any("allows it" in fix for fix in slower.fix)  # a tolerance does not allow failures
    assert f"to compare this test alone: pytest '{TEST}' {BASE}" == verdict.fix[-1]


def test_tasks_that_may_fail_in_the_head_alone_are_not_passed() -> None:
    few = counted(0.0, 0.01, epochs=3)
    verdict = verdict_of(few, SAME)
    assert Status.INCONCLUSIVE is verdict.status
    assert gist(verdict) == (
        "unsuccessful tasks undecided in 3 epochs: 0 % in the base, 1 % in the head; it raises ValueError: no row"
    )
    strict = gist(verdict_of(few, SAME, strict=True))
    assert "unsuccessful tasks 1 %, undecided (budget ≤ 0 %, as in the base)" in strict


def test_a_task_that_takes_more_executions_fails_and_says_of_how_many() -> None:
    verdict = verdict_of(counted(1.0, 3.0, 12, GateCount.EXECUTIONS, reason=""), SAME)
    assert verdict.failed
    assert gist(verdict).startswith("executions per task 3, surer than 1 : ")
    assert gist(verdict).endswith(" (budget ≤ 1, as in the base)")
    assert verdict.evidence[0] == "executions per task in 12 epochs: 1 in the base, 3 in the head"
    assert "find out why it is tried again or delivered again" in verdict.fix[0]


def test_a_test_that_fails_in_the_head_alone_fails_as_a_whole() -> None:
    found = counted(0.0, 0.25, 15, GateCount.FAILED_RUNS, task="", reason="in the head: assert 2 == 6")
    whole, task = judge([found, SAME])
    assert (whole.task, whole.status, task.status) == ("any task", Status.FAIL, Status.PASS)
    assert gist(whole).startswith("failed runs 25 %, surer than 1 : ")
    assert whole.evidence[0] == (
        "failed runs in 15 epochs: 0 % in the base, 25 % in the head; in the head: assert 2 == 6"
    )
    assert "mend what makes it fail" in whole.fix[0]


def test_epochs_that_were_left_out_are_told_of_what_passed_too() -> None:
    note = "2 epochs are left out, in which runs failed: 1 in the base, 1 in the head"
    verdict = verdict_of(replace(SAME, note=note), replace(SAME, metric="cpu", note=note))
    assert (Status.PASS, 1) == (verdict.status, verdict.evidence.count(note))


def test_a_longer_time_is_no_remedy_for_what_can_never_be_compared() -> None:
    why = "drain is of tasks that end otherwise: failed and succeeded in the base, succeeded in the head"
    drain = replace(of("drain", Series(), decision=None), standing=Standing.BROKEN, reason=why)
    verdict = verdict_of(SAME, drain)
    assert (Status.INCONCLUSIVE, f"BROKEN: {why}") == (verdict.status, verdict.evidence[0])
    assert verdict.fix[0].startswith("only tasks that work in both versions, or fail in both, can be compared")
    assert not any("--celery-perf-budget-time" in fix for fix in verdict.fix)


def test_a_task_that_fails_in_the_base_alone_says_what_can_be_compared() -> None:
    verdict = verdict_of(replace(BROKEN, task=TASK, reason="it fails in the base, and not in the head"))
    assert Status.INCONCLUSIVE is verdict.status
    assert gist(verdict) == "BROKEN: it fails in the base, and not in the head"
    assert verdict.fix[0].startswith("only tasks that work in both versions, or fail in both, can be compared")


def test_each_task_has_a_verdict() -> None:
    verdicts = judge([compared("cpu", MS, 2 * MS), SAME, replace(SAME, task="shop.tasks.mail")])

    assert [(TASK, Status.FAIL), ("shop.tasks.mail", Status.PASS)] == [(each.task, each.status) for each in verdicts]


# -- what was not compared -----------------------------------------------------------------


@pytest.mark.parametrize("strict", [False, True])
def test_a_new_test_has_nothing_to_fail_by(strict: bool) -> None:
    verdict = verdict_of(NEW, strict=strict)

    assert Status.INCONCLUSIVE is verdict.status
    assert verdict_text(verdict) == "? celery_regression any task: NEW: the base has no such test"


def test_a_task_that_only_one_arm_runs_is_told_apart_from_the_others() -> None:
    gone = Comparison(
        test=TEST, standing=Standing.REMOVED, task="shop.tasks.audit", reason="the test does not run it in the head"
    )
    other, task = judge([SAME, gone], strict=True)

    assert Status.PASS is other.status
    assert (Status.INCONCLUSIVE, ("REMOVED: the test does not run it in the head",)) == (task.status, task.evidence)


def test_a_broken_test_warns_or_fails() -> None:
    assert "? celery_regression any task: BROKEN: it fails in the base" in verdict_text(verdict_of(BROKEN))

    log = replace(BROKEN, reason="it fails in the base: its setup failed; its last lines:\n    no DATABASE_URL")
    first, second, *_ = verdict_text(verdict_of(log)).splitlines()
    assert first == "? celery_regression any task: BROKEN: it fails in the base: its setup failed; its last lines:"
    assert second == "        no DATABASE_URL"
    text = verdict_text(verdict_of(BROKEN, strict=True))
    assert text.startswith("✗ celery_regression any task: comparison BROKEN (budget PASS or FAIL)\n")
    assert "BROKEN: it fails in the base: no module named shop.billing" in text
    assert "fix: only a test that passes in both versions can be compared" in text


def test_a_renamed_test_and_a_changed_one_say_so() -> None:
    evidence = verdict_of(
        replace(SAME, standing=Standing.RENAMED, base_test="tests/test_pay.py::test_payment", changed=True)
    ).evidence

    assert "RENAMED: in the base it is tests/test_pay.py::test_payment" in evidence
    assert any(line.startswith("the test itself is not the same in base and head") for line in evidence)


@pytest.mark.parametrize(
    ("series", "told"),
    [
        (Series(base=(0.0, 0.0), head=(1.0, 1.0)), "cpu undecided: 2 figures are zero or no number"),
        (Series(), "cpu undecided: it was not measured"),
    ],
)
def test_what_cannot_be_computed_is_never_passed(series: Series, told: str) -> None:
    unknown = of("cpu", series)

    assert (Status.INCONCLUSIVE, told) == (verdict_of(unknown).status, verdict_of(unknown).evidence[0])
    assert verdict_of(unknown, strict=True).failed


def test_a_test_that_is_undecided_as_a_whole() -> None:
    late = Comparison(test=TEST, standing=Standing.COMPARED, reason=LATE)
    assert verdict_of(late).evidence == (f"undecided: {LATE}",)


# -- where to look -------------------------------------------------------------------------


def hint(*comparisons: Comparison) -> str:
    return "\n".join(verdict_of(*comparisons).fix)


def test_runtime_that_grew_with_cpu_time_computes() -> None:
    text = hint(compared("runtime", 20 * MS, 30 * MS), compared("cpu", 15 * MS, 24 * MS))

    assert "of 10ms more, 9ms are CPU time: it computes more" in text


def test_runtime_that_grew_without_cpu_time_waits() -> None:
    text = hint(compared("runtime", 20 * MS, 30 * MS), compared("cpu", 15 * MS, 15.01 * MS))
    assert "of 10ms more, nothing is CPU time: it waits more; look for queries, locks" in text

    text = hint(compared("runtime", 20 * MS, 30 * MS), compared("cpu", 15 * MS, 16 * MS))
    assert "of 10ms more, only 1ms are CPU time: it waits more" in text


def test_runtime_alone_does_not_say_why() -> None:
    assert 'whether it computes or waits for 10ms more is told by metrics=[…, "cpu"]' in hint(
        compared("runtime", 20 * MS, 30 * MS)
    )


def test_cpu_time_alone_threatens_the_worker() -> None:
    text = hint(compared("runtime", 20 * MS, 20 * MS), compared("cpu", 5 * MS, 10 * MS))

    assert "it computes for 5ms more, though it does not surely take longer" in text


def test_nothing_is_said_of_a_runtime_that_was_not_compared() -> None:
    text = hint(compared("cpu", 5 * MS, 10 * MS))

    assert "it computes for 5ms more; look for loops" in text


def test_memory_points_at_what_is_held() -> None:
    assert "its process holds 30MiB more at its peak" in hint(compared("memory", 70 * MIB, 100 * MIB))


@pytest.mark.parametrize("metric", [GateMetric.DRAIN, GateMetric.QUEUE, GateMetric.END_TO_END])
def test_what_grew_around_a_task_points_around_it(metric: str) -> None:
    around = compared(metric, 0.8, 1.2)

    assert "its own runtime did not grow" in hint(around, compared("runtime", 20 * MS, 20 * MS))
    assert "its own runtime did not grow" not in hint(around, compared("runtime", 20 * MS, 30 * MS))


def test_what_is_meant_can_be_allowed() -> None:
    assert 'celery_regression(tolerance="15%")' in hint(compared("cpu", 20 * MS, 21.9 * MS, epochs=40))
    assert 'celery_regression(tolerance="35%", noticeable="50%")' in hint(compared("cpu", 20 * MS, 25.5 * MS))
