"""What a drill demands besides what `celery_reliable` does."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pytest_celery_perf.judge.drills import judge
from pytest_celery_perf.model.drills import DRILLS
from pytest_celery_perf.model.faults import Fault
from pytest_celery_perf.model.history import History
from pytest_celery_perf.model.record import Outcome
from pytest_celery_perf.model.spec import DrillBudget
from pytest_celery_perf.model.verdict import Status, Verdict
from tests.unit.histories import NAME, at, crashed, execution, fault, history, options


def verdict_of(drill: str, told: History, **budget: object) -> Verdict:
    defaults = {"max_executions": DRILLS[drill].max_executions}
    (verdict,) = judge(DrillBudget(drill=drill, **{**defaults, **budget}), told)  # type: ignore[arg-type]
    return verdict


def figures(verdict: Verdict) -> dict[str, tuple[str, bool]]:
    return {check.metric: (check.actual, check.ok) for check in verdict.checks}


def of_worker(kind: str, ms: float, detail: str = "") -> Fault:
    return Fault(kind=kind, at_ns=at(ms), boot="boot-1", detail=detail)


STOPPED = of_worker("stop-worker", 5, "SIGTERM")


def test_a_drain_is_measured_from_the_signal_to_the_end() -> None:
    verdict = verdict_of("deploy", history(execution(body=100), faults=(STOPPED, of_worker("worker-ended", 255))))
    assert verdict.status is Status.PASS
    assert figures(verdict)["drain"] == ("250ms", True)
    assert figures(verdict)["workers restarted"] == ("1×", True)


def test_a_worker_killed_after_its_grace_was_not_drained() -> None:
    faults = (STOPPED, of_worker("kill-worker", 205, "SIGKILL"), of_worker("worker-ended", 206))
    verdict = verdict_of("deploy", history(execution(body=100), faults=faults), grace_s=0.2)
    assert figures(verdict)["drain"] == ("1 killed after it", False)
    assert any("terminationGracePeriodSeconds" in line for line in verdict.fix)


@pytest.mark.parametrize("drill", ["deploy", "broker_restart", "network_partition", "worker_oom", "poison_pill"])
def test_an_emergency_that_did_not_happen_proves_nothing(drill: str) -> None:
    verdict = verdict_of(drill, history(execution()))
    assert verdict.status is Status.FAIL
    assert figures(verdict) == {DRILLS[drill].played: ("0×", False)}


def test_poison_that_is_given_up_at_the_bound_passes() -> None:
    """Its recovery ends with the acknowledgment of what killed the last process."""
    kills = [fault("kill-child", ms=10 * n, pid=800 + n) for n in range(1, 4)]
    deaths = [
        crashed(delivery=n, received=10 * n - 5, started=10 * n - 4, pid=800 + n, outcome=Outcome.LOST)
        for n in range(1, 4)
    ]
    deaths[-1] = replace(deaths[-1], acknowledged_ns=at(42))
    told = history(*deaths, faults=tuple(kills))
    passed = verdict_of("poison_pill", told, max_executions=3)
    assert (passed.status, figures(passed)["recovery measured"]) == (Status.PASS, ("32ms", True))
    assert [check.budget for check in passed.checks][-1] == "in production up to 5s, 2 times"
    verdict = verdict_of("poison_pill", told, max_executions=2)
    assert figures(verdict)["killed by one task"] == ("3, and it went on", False)


def test_where_no_child_runs_it_poison_is_delivered_for_ever() -> None:
    deaths = [crashed(delivery=n, received=10 * n - 5, started=10 * n - 4, pool="threads") for n in (1, 2)]
    told = history(*deaths, faults=tuple(fault("kill-child", ms=10 * n) for n in (1, 2)))
    verdict = verdict_of("poison_pill", told, max_executions=1)
    assert "the pool threads runs tasks in no child process: it is the whole worker that dies" in verdict.evidence
    assert "whatever the task's options" in verdict.fix[0]
    assert not any("retry_on_worker_lost" in line for line in verdict.fix)


@pytest.mark.parametrize(
    ("limit_s", "body_ms", "wrong"),
    [
        (600.0, 10, set()),
        (None, 10, {"time limit"}),
        (7200.0, 10, {"time limit"}),
        (600.0, 3_700_000, {"longest run"}),
    ],
)
def test_a_long_task_is_kept_below_the_visibility_timeout(
    limit_s: float | None, body_ms: float, wrong: set[str]
) -> None:
    told = history(execution(body=body_ms), tasks={NAME: options(time_limit_s=limit_s)})
    assert {name for name, (_, ok) in figures(verdict_of("long_task", told)).items() if not ok} == wrong


def test_recovery_is_told_here_and_in_production() -> None:
    again = execution(delivery=2, redelivered=True, received=150, started=160, pid=900)
    hit = fault("kill-child", ms=10)
    (check,) = (
        each
        for each in verdict_of("worker_oom", history(crashed(requeued_ns=at(12)), again, faults=(hit,))).checks
        if each.metric == "recovery measured"
    )
    assert (check.actual, check.budget) == ("160ms", "in production up to 5s")
