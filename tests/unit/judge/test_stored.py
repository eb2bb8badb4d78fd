"""What a reader is told of a test that is compared with stored runs."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import pytest

from pytest_celery_perf.judge.stored import judge
from pytest_celery_perf.measure.stored import Past
from pytest_celery_perf.model.baseline import Standard, StoredFigure, StoredRun
from pytest_celery_perf.model.gate import RegressionBudget
from pytest_celery_perf.model.history import History
from pytest_celery_perf.model.record import Outcome
from pytest_celery_perf.model.verdict import Status, Verdict
from pytest_celery_perf.report.terminal import verdict_text
from tests.unit.baseline.runs import ENVIRONMENT, TASK, TEST, run
from tests.unit.histories import error, execution, failed, history, publication, retried


def stored(*, differ: float = 0.02, runs: int = 20, **values: float) -> list[StoredRun]:
    """Build runs whose figures are alternately above and below what is given, on machines of any speed."""
    return [
        run(
            day,
            slower=1 + day % 3,
            environment=ENVIRONMENT,
            **{metric: value * math.exp(differ * (-1) ** day) for metric, value in values.items()},
        )
        for day in range(runs)
    ]


def took(ms: float, *, cpu_ms: float | None = None) -> History:
    """Build what three executions did today, on a machine of the speed of the first of the stored runs."""
    return history(
        *(
            execution(each, name=TASK, body=ms, cpu_ns=None if cpu_ms is None else round(cpu_ms * 1e6))
            for each in ("t1", "t2", "t3")
        ),
        publications=tuple(publication(each, name=TASK) for each in ("t1", "t2", "t3")),
    )


def judged(
    runs: Sequence[StoredRun], what: History, *, budget: RegressionBudget | None = None, **environment: str
) -> Verdict:
    now = run(30, environment={**ENVIRONMENT, **environment})
    standard = Standard.of("perf-history", now, runs)
    (verdict,) = judge(TEST, what, standard, Past.of(standard.runs), budget)
    return verdict


def test_a_task_that_is_as_fast_as_ever_passes() -> None:
    verdict = judged(stored(runtime=0.020, cpu=0.010), took(20.2, cpu_ms=10.1))
    assert verdict.status is Status.PASS
    assert [
        ("✓ celery_baseline shop.tasks.pay: runtime +1 % (20.2ms) < +20 % of 20ms · cpu +1 % (10.1ms) < +20 % of 10ms"),
        "    ✓ runtime  +1 % (20.2ms)  < +20 % of 20ms",
        "    ✓ cpu      +1 % (10.1ms)  < +20 % of 10ms",
        "    runtime: 20 stored runs differ by 2.05 %; +7.8 % would have shown",
        "    cpu: 20 stored runs differ by 2.05 %; +7.8 % would have shown",
    ] == verdict_text(verdict).splitlines()


def test_a_task_that_is_twice_as_slow_fails() -> None:
    verdict = judged(stored(runtime=0.020), took(40))
    assert verdict.failed
    assert [
        "✗ celery_baseline shop.tasks.pay: runtime +100 % (40ms) (budget ≤ +7.8 % of 20ms)",
        "    runtime: 20 stored runs differ by 2.05 %; +7.8 % would have shown",
        "    fix: --celery-perf-base=REV compares with another revision in this very run, which is surer",
        (
            "    fix: where it is meant, begin anew: remove the files of perf-history, and store new runs with "
            "--celery-perf-baseline-save"
        ),
    ] == verdict_text(verdict).splitlines()


def test_where_the_stored_runs_differ_by_much_it_is_advice() -> None:
    verdict = judged(stored(runtime=0.020, differ=0.1), took(40))
    assert verdict.status is Status.INCONCLUSIVE
    (told,) = verdict.evidence
    assert ("runtime +100 % (20ms → 40ms), advice only: 20 stored runs differ by 10.3 %, more than 5 %") == told


def test_between_tolerated_and_noticeable_nothing_is_decided() -> None:
    verdict = judged(stored(runtime=0.020, differ=0.06), took(22.5))
    assert verdict.status is Status.INCONCLUSIVE
    (told,) = verdict.evidence
    assert (
        "runtime +12 % (20ms → 22.5ms), not decided: 20 stored runs differ by 6.16 %; +25 % would have shown"
    ) == told


def test_few_runs_are_not_enough() -> None:
    verdict = judged(stored(runtime=0.020, runs=4), took(40))
    assert verdict.status is Status.INCONCLUSIVE
    assert ("runtime not decided: not enough stored runs, 4 of at least 5",) == verdict.evidence


def test_another_environment_is_refused_with_what_differs() -> None:
    verdict = judged(stored(runtime=0.020), took(40), python="3.13.1", django="6.1")
    assert verdict.status is Status.INCONCLUSIVE
    (told,) = verdict.evidence
    assert (
        "not compared: the 20 stored runs are of other environments; of the newest, django was absent and is 6.1 and "
        "python was 3.11.7 and is 3.13.1"
    ) == told
    one = judged(stored(runtime=0.020, runs=1), took(40), cores="8")
    assert one.evidence == ("not compared: the stored run is of another environment: cores was 2 and is 8",)


def test_a_kernel_is_no_other_environment() -> None:
    assert judged(stored(runtime=0.020), took(20), platform="Linux-6.9").status is Status.PASS


def test_runs_of_other_environments_do_not_count() -> None:
    others = [run(day, environment={**ENVIRONMENT, "celery": "5.6.0"}, runtime=0.001) for day in range(9)]
    assert judged([*others, *stored(runtime=0.020)], took(20)).status is Status.PASS


def test_the_newest_runs_are_compared_with() -> None:
    long_ago = [run(-day, runtime=0.001) for day in range(1, 30)]
    assert judged([*long_ago, *stored(runtime=0.020)], took(20)).status is Status.PASS


@pytest.mark.parametrize(
    ("budget", "status"),
    [
        (RegressionBudget(), Status.FAIL),
        (RegressionBudget(tolerance=1.5, noticeable=2.0), Status.PASS),
        (RegressionBudget(metrics=("cpu",)), Status.PASS),
    ],
)
def test_the_test_says_what_is_tolerated(budget: RegressionBudget, status: Status) -> None:
    runs = stored(runtime=0.020, cpu=0.010)
    assert status is judged(runs, took(40, cpu_ms=10), budget=budget).status


@pytest.mark.parametrize("budget", [RegressionBudget(metrics=()), RegressionBudget(task="shop.tasks.refund")])
def test_what_is_not_compared_has_no_verdict(budget: RegressionBudget) -> None:
    standard = Standard.of("perf-history", run(30), stored(runtime=0.020))
    assert judge(TEST, took(40), standard, Past.of(standard.runs), budget) == ()


def test_without_stored_runs_there_is_nothing_to_say() -> None:
    assert judge(TEST, took(40), Standard.of("perf-history", run(30), []), Past.of([])) == ()


# -- tasks that come to nothing ------------------------------------------------------------


def ended(*ends: str, ms: float = 20) -> History:
    """Build what a test's tasks did today: ``ok``, ``failed`` (at once), ``ignored`` (likewise) or ``retried``."""
    ids = [f"t{number}" for number in range(len(ends))]
    made = {
        "ok": lambda each: [execution(each, name=TASK, body=ms)],
        "failed": lambda each: [failed(each, name=TASK, body=0.01)],
        "ignored": lambda each: [
            execution(each, name=TASK, body=0.01, outcome=Outcome.IGNORED, error=error("Ignore", ""))
        ],
        "retried": lambda each: [
            retried(each, countdown_s=0, name=TASK, body=ms),
            execution(each, name=TASK, retries=1, body=ms),
        ],
    }
    return history(
        *(each for id_, end in zip(ids, ends, strict=True) for each in made[end](id_)),
        publications=tuple(publication(each, name=TASK) for each in ids),
    )


def test_tasks_that_all_fail_now_do_not_pass_for_being_fast() -> None:
    verdict = judged(stored(differ=0, runtime=0.020, tasks=6, succeeded=6), ended(*["failed"] * 6))
    assert verdict.failed
    assert [
        (
            "✗ celery_baseline shop.tasks.pay: unsuccessful tasks 100 % (6 of 6) (budget ≤ 0 %, the most in 20 stored "
            "runs)"
        ),
        "    6 failed, of ConnectionError: refused",
        "    runtime (failed) not decided: not enough stored runs, 0 of at least 5",
        "    fix: mend the task, or what the test gives it",
        (
            "    fix: where it is meant, begin anew: remove the files of perf-history, and store new runs with "
            "--celery-perf-baseline-save"
        ),
    ] == verdict_text(verdict).splitlines()


def test_a_few_failures_more_are_not_decided() -> None:
    runs = stored(differ=0, runtime=0.020, tasks=6, succeeded=6)
    verdict = judged(runs, ended("failed", *["ok"] * 5))
    assert verdict.status is Status.INCONCLUSIVE
    assert (
        "unsuccessful tasks not decided: 1 of 6; 0 % in 20 stored runs",
        "1 failed, of ConnectionError: refused",
    ) == (verdict.evidence[:2])
    assert ["runtime"] == [each.metric for each in verdict.checks], "those that succeed are compared with their like"


def test_tasks_that_are_ignored_now_do_not_pass_for_being_fast() -> None:
    verdict = judged(stored(differ=0, runtime=0.020, tasks=4, succeeded=4), ended("ok", *["ignored"] * 3))
    assert verdict.failed
    assert "3 ignored, of Ignore" in verdict.evidence


def test_one_run_that_failed_does_not_excuse_another() -> None:
    good, bad = (stored(differ=0, runtime=0.020, tasks=6, succeeded=each) for each in (6, 0))
    verdict = judged([*good[:19], bad[19]], ended(*["failed"] * 6))
    assert verdict.status is Status.INCONCLUSIVE
    assert verdict.evidence[0] == (
        "unsuccessful tasks not decided: 6 of 6; 5 % in 20 stored runs, at most 100 % in one"
    )


def test_failures_that_were_there_before_are_none_to_tell_of() -> None:
    runs = [
        replace(
            each,
            figures=(*each.figures, StoredFigure(test=TEST, task=TASK, metric="runtime", end="failed", value=0.00001)),
        )
        for each in stored(differ=0, runtime=0.020, tasks=6, succeeded=5)
    ]
    verdict = judged(runs, ended("failed", *["ok"] * 5))
    assert verdict.status is Status.PASS
    assert ["runtime", "runtime (failed)"] == sorted(each.metric for each in verdict.checks)


def test_an_attempt_that_is_retried_is_compared_with_none_that_is_not() -> None:
    verdict = judged(stored(differ=0, runtime=0.020, tasks=2, succeeded=2), ended("ok", "retried"))
    assert (Status.INCONCLUSIVE, ["runtime"]) == (verdict.status, [each.metric for each in verdict.checks])
    assert "runtime (retried) not decided: not enough stored runs, 0 of at least 5" in verdict.evidence


def test_a_test_that_is_not_compared_is_not_asked_whether_its_tasks_succeed() -> None:
    standard = Standard.of("perf-history", run(30), stored(runtime=0.020, tasks=6, succeeded=6))
    assert judge(TEST, ended(*["failed"] * 6), standard, Past.of(standard.runs), RegressionBudget(metrics=())) == ()


# -- small figures, and wide spreads -------------------------------------------------------


def test_of_a_small_figure_the_floor_is_the_limit() -> None:
    verdict = judged(stored(differ=0, cpu=41e-6), took(20, cpu_ms=0.0586))
    (check,) = (each for each in verdict.checks if each.metric == "cpu")
    assert (True, "+43 % (58.6µs)", "< +100µs on 41µs") == (check.ok, check.actual, check.budget)
    (check,) = judged(stored(differ=0, cpu=41e-6), took(20, cpu_ms=0.2)).checks
    assert (False, "≤ +100µs on 41µs") == (check.ok, check.budget)


def test_of_runs_that_have_nothing_in_common_no_astronomic_figure_is_told() -> None:
    verdict = judged(stored(differ=2, runtime=0.020), took(200))
    assert verdict.evidence[0].endswith("; less than 10 times as much would not have shown")
