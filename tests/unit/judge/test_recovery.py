"""celery_recovery tells a task that survived from one that was lost, stranded or run too often, and why."""

from __future__ import annotations

from signal import SIGINT, SIGTERM, SIGUSR2
from typing import Any

import pytest

from pytest_celery_perf.judge.recovery import judge
from pytest_celery_perf.model.faults import Fault
from pytest_celery_perf.model.history import History
from pytest_celery_perf.model.record import Execution, Outcome
from pytest_celery_perf.model.spec import RecoveryBudget
from pytest_celery_perf.model.verdict import Status, Verdict
from tests.unit.histories import (
    NAME,
    again,
    at,
    crashed,
    error,
    execution,
    failed,
    fault,
    history,
    options,
    publication,
    query,
    retried,
)

KILLED = fault(ms=100)
RESTORED = fault("restored", ms=130, task_id=None, pid=None, point="")


def told(*executions: Execution, faults: tuple[Fault, ...] = (KILLED, RESTORED), **fields: Any) -> History:
    return history(*executions, faults=faults, **fields)


def unsafe(**task_options: Any) -> dict[str, Any]:
    return {NAME: options(**task_options)}


def verdict_of(budget: RecoveryBudget, happened: History) -> Verdict:
    (verdict,) = judge(budget, happened)
    return verdict


def actual(verdict: Verdict) -> dict[str, str]:
    return {check.metric: check.actual for check in verdict.checks}


def wrong(verdict: Verdict) -> dict[str, str]:
    return {check.metric: check.actual for check in verdict.checks if not check.ok}


def shown(verdict: Verdict) -> str:
    return "\n".join((*verdict.evidence, *verdict.fix))


def test_a_task_that_another_worker_finished() -> None:
    verdict = verdict_of(RecoveryBudget(within_s=30), told(crashed(), again()))
    assert verdict.status is Status.PASS
    assert actual(verdict) == {
        "worker killed at started": "1×",
        "succeeded": "1",
        "lost": "0",
        "left in unacked": "0",
        "finished in": "process 900 of main@host",
        "executions": "2",
        "recovery": "70ms",
        "recovery in production": "up to 1.03h",
    }
    assert verdict.evidence[0] == (
        "RECOVERED shop.tasks.charge[t1]: started in process 811 of main@host t=0.002s; "
        "SIGKILL to its worker at started t=0.100s; "
        "started again in process 900 of main@host t=0.160s; succeeded t=0.170s"
    )


def test_the_report_says_what_production_would_wait() -> None:
    happened = told(crashed(), again())
    verdict = verdict_of(RecoveryBudget(), happened)
    assert "from the kill to the last start of shop.tasks.charge[t1] 60ms, to its end 70ms" in shown(verdict)
    assert (
        "in production: Redis delivers again only after the visibility timeout, 1h, and up to 100s more until a worker "
        "looks (brought forward here)"
    ) in shown(verdict)


def test_a_passed_verdict_too_says_what_production_would_wait() -> None:
    """Of what passed, the terminal tells the checks alone."""
    (line,) = (
        each for each in verdict_of(RecoveryBudget(), told(crashed(), again())).checks if "production" in each.metric
    )
    assert (line.metric, line.actual, line.budget, line.ok) == (
        "recovery in production",
        "up to 1.03h",
        "shortened here",
        True,
    )
    lost = told(crashed(acknowledged_ns=at(2)), tasks=unsafe(acks_late=False), faults=(KILLED,))
    assert "recovery in production" not in actual(verdict_of(RecoveryBudget(), lost))


def test_a_recovery_that_waits_for_nothing_is_as_in_production() -> None:
    ended = told(execution(), faults=(fault(ms=100, point="finished"),))
    assert "recovery in production" not in actual(verdict_of(RecoveryBudget(at="finished"), ended))


def test_an_idle_gevent_worker_would_wait_for_ever() -> None:
    verdict = verdict_of(RecoveryBudget(), told(crashed(), again(pool="gevent")))
    assert "an idle gevent worker never looks" in shown(verdict)


def test_a_killed_child_needs_no_visibility_timeout() -> None:
    killed = fault("kill-child", ms=100)
    verdict = verdict_of(RecoveryBudget(kill="child"), told(crashed(requeued_ns=at(105)), again(), faults=(killed,)))
    assert verdict.status is Status.PASS
    assert "put back into its queue t=0.105s" in shown(verdict)
    assert "visibility timeout" not in shown(verdict)


def test_production_may_notice_a_dead_child_later() -> None:
    killed = fault("kill-child", ms=100)
    happened = told(crashed(requeued_ns=at(105)), again(), faults=(killed,))
    told_so = "in production: Celery may notice only up to 5s later that a child is dead (noticed at once here)"
    assert told_so in shown(verdict_of(RecoveryBudget(kill="child"), happened))
    assert "may notice only" not in shown(verdict_of(RecoveryBudget(), told(crashed(), again())))


# -- survived signals


def test_a_signal_that_a_child_ignores_has_not_killed_it() -> None:
    """The task acknowledged early and ended in the same process: nothing was tested."""
    hits = (fault("kill-child", ms=5), fault("survived", ms=5))
    happened = told(execution(acknowledged_ns=at(3)), tasks=unsafe(acks_late=False), faults=hits)
    verdict = verdict_of(RecoveryBudget(kill="child", signal=SIGINT), happened)
    assert wrong(verdict) == {"child killed at started": "0×", "finished in": "process 811 of main@host"}
    ignored = "SIGINT did not end process 811 of main@host, which goes on: the children of a worker ignore it"
    assert verdict.evidence[1:] == (ignored,)
    assert verdict.fix == ('use signal="SIGKILL", the default, which nothing survives',)


def test_a_signal_that_a_child_ignores_at_the_end_of_its_task_has_not_killed_it() -> None:
    hits = (fault("kill-child", ms=13, point="finished"), fault("survived", ms=13, point="finished"))
    verdict = verdict_of(RecoveryBudget(kill="child", signal=SIGINT, at="finished"), told(execution(), faults=hits))
    assert wrong(verdict) == {"child killed at finished": "0×"}
    assert "was not reached" not in shown(verdict)


def test_a_child_that_finishes_what_a_signal_should_have_ended_was_not_killed() -> None:
    happened = told(execution(body=200), faults=(fault("kill-child", ms=100),))
    verdict = verdict_of(RecoveryBudget(kill="child", signal=SIGTERM), happened)
    assert wrong(verdict) == {"finished in": "process 811 of main@host"}


def test_a_signal_upon_which_a_worker_goes_on_has_not_killed_it() -> None:
    hits = (fault(ms=5), fault("survived", ms=30_000, pid=800))
    verdict = verdict_of(RecoveryBudget(signal=SIGUSR2), told(execution(), faults=hits))
    assert wrong(verdict) == {"worker killed at started": "0×"}
    assert "SIGUSR2 did not end the worker main@host, which goes on" in shown(verdict)
    assert '"SIGTERM" and "SIGQUIT" shut a worker down' in verdict.fix[0]
    hung = verdict_of(RecoveryBudget(signal=SIGTERM), told(execution(), faults=hits))
    assert wrong(hung) == {"worker killed at started": "0×"}
    assert hung.fix == ("find out what keeps the worker from ending once its tasks have: it was there still 30s later",)


def test_one_survivor_does_not_spare_the_others() -> None:
    hits = (
        fault("kill-child", ms=5, pid=810, task_id="t2"),
        fault("survived", ms=5, pid=810),
        fault("kill-child", ms=100),
    )
    verdict = verdict_of(RecoveryBudget(kill="child", signal=SIGTERM), told(crashed(), again(), faults=hits))
    assert actual(verdict)["child killed at started"] == "1×"


# -- lost


def test_early_acknowledgment_loses_the_task() -> None:
    happened = told(
        crashed(acknowledged_ns=at(2)), tasks=unsafe(acks_late=False, reject_on_worker_lost=False), faults=(KILLED,)
    )
    verdict = verdict_of(RecoveryBudget(within_s=30), happened)
    assert wrong(verdict) == {"succeeded": "0", "lost": "1", "recovery": "never"}
    because, story = verdict.evidence
    assert because == "lost because it was acknowledged before it ran (acks_late=False)"
    assert story == (
        "LOST shop.tasks.charge[t1]: started in process 811 of main@host t=0.002s; "
        "acknowledged without an end t=0.002s; SIGKILL to its worker at started t=0.100s; not in unacked"
    )
    assert verdict.fix == (
        "set acks_late=True and reject_on_worker_lost=True in the decorator of charge (/app/shop/tasks.py:20)",
        "a task that survives a crash may run twice: keep what it does idempotent",
    )


def test_without_reject_on_worker_lost_a_killed_child_loses_the_task() -> None:
    happened = told(
        crashed(outcome=Outcome.LOST, acknowledged_ns=at(120)),
        tasks=unsafe(reject_on_worker_lost=False),
        faults=(fault("kill-child", ms=100),),
    )
    verdict = verdict_of(RecoveryBudget(kill="child"), happened)
    assert wrong(verdict) == {"succeeded": "0", "lost": "1"}
    assert verdict.evidence[0] == (
        "lost because Celery acknowledges the message of a child that died (reject_on_worker_lost=False)"
    )
    assert verdict.fix[0] == "set reject_on_worker_lost=True in the decorator of charge (/app/shop/tasks.py:20)"


def test_early_acknowledgment_that_happened_to_lose_nothing_is_pointed_out() -> None:
    """A solo worker acknowledges only when the body has ended."""
    verdict = verdict_of(RecoveryBudget(), told(crashed(pool="solo"), again(), tasks=unsafe(acks_late=False)))
    assert verdict.status is Status.PASS
    assert "acks_late=False, and not lost only since it was not acknowledged yet" in shown(verdict)


def test_a_message_that_stays_unacknowledged_is_stranded() -> None:
    happened = told(crashed(), faults=(KILLED,), stuck_unacked=("t1",), diagnosis="1 of 1 task did not finish.")
    verdict = verdict_of(RecoveryBudget(), happened)
    assert wrong(verdict) == {"succeeded": "0", "left in unacked": "1"}
    assert "STRANDED shop.tasks.charge[t1]" in shown(verdict)
    assert "still held in unacked" in shown(verdict)
    assert "1 of 1 task did not finish." in shown(verdict)


def test_a_named_task_answers_for_others_that_were_left_in_unacked() -> None:
    happened = told(crashed(), again(), stuck_unacked=("other",))
    assert wrong(verdict_of(RecoveryBudget(task=NAME), happened)) == {"left in unacked": "1"}
    assert wrong(verdict_of(RecoveryBudget(), happened)) == {}


def test_a_result_that_died_with_the_broker_is_told() -> None:
    killed = fault("kill-broker", ms=5, boot=None, pid=None)
    unstored = execution(unstored=error("redis.exceptions.ConnectionError", "Connection refused."))
    verdict = verdict_of(RecoveryBudget(kill="broker"), history(unstored, faults=(killed,)))
    assert wrong(verdict) == {}
    assert "1 result could not be stored, that of shop.tasks.charge[t1]" in shown(verdict)


def test_a_broker_that_forgets_its_messages() -> None:
    killed = fault("kill-broker", ms=100, boot=None, pid=None)
    happened = history(
        crashed(),
        again(),
        publications=(publication(), publication("t2")),
        faults=(killed, fault("vanished", ms=200, task_id="t2", boot=None, pid=None, point="")),
    )
    verdict = verdict_of(RecoveryBudget(kill="broker"), happened)
    assert wrong(verdict) == {"lost": "1", "succeeded": "1"}
    assert "the broker came back without its message" in shown(verdict)
    assert "LOST shop.tasks.charge[t2]: never received; not in unacked" in shown(verdict)
    assert "appendonly yes" in shown(verdict)


def test_a_worker_that_dies_of_the_end_of_its_broker_is_told() -> None:
    died = fault("worker-died", ms=110, task_id=None, detail="exit status 1, AttributeError: gone", point="")
    killed = fault("kill-broker", ms=100, boot=None, pid=None)
    verdict = verdict_of(RecoveryBudget(kill="broker"), told(crashed(), again(), faults=(killed, died, RESTORED)))
    assert wrong(verdict) == {}
    assert actual(verdict)["worker itself"] == "died"
    assert "the worker main@host died of it (exit status 1, AttributeError: gone)" in shown(verdict)
    other = verdict_of(RecoveryBudget(), told(crashed(), again(), faults=(KILLED, died, RESTORED)))
    assert "worker itself" not in actual(other)


def test_a_worker_that_revokes_what_it_runs_when_the_broker_goes() -> None:
    killed = fault("kill-broker", ms=100)
    happened = told(execution(outcome=Outcome.REVOKED, body=100), faults=(killed,))
    verdict = verdict_of(RecoveryBudget(kill="broker"), happened)
    assert wrong(verdict) == {"lost": "1", "succeeded": "0"}
    assert "LOST shop.tasks.charge[t1]" in shown(verdict)
    assert "set worker_cancel_long_running_tasks_on_connection_loss=False" in shown(verdict)


def test_a_task_that_fails_the_second_time() -> None:
    second = failed(
        delivery=2, redelivered=True, received=150, started=160, boot="boot-2", error=error("app.Duplicate", "t1")
    )
    verdict = verdict_of(RecoveryBudget(), told(crashed(), second))
    assert wrong(verdict) == {"succeeded": "0"}
    assert "failed (app.Duplicate: t1)" in shown(verdict)
    assert "make it find out what was done already" in shown(verdict)


# -- too often, too late


def test_more_executions_than_allowed() -> None:
    happened = told(crashed(), crashed(delivery=2, redelivered=True, received=110, started=111), again(delivery=3))
    assert wrong(verdict_of(RecoveryBudget(max_executions=2), happened)) == {"executions": "3"}


def test_a_task_that_kills_its_process_is_requeued_without_a_bound() -> None:
    kills = tuple(fault("kill-child", ms=number) for number in (5, 15))
    deaths = (crashed(requeued_ns=at(6)), crashed(delivery=2, received=10, started=11, requeued_ns=at(16)))
    happened = told(*deaths, again(), faults=kills)
    verdict = verdict_of(RecoveryBudget(kill="child", times=2, max_executions=2), happened)
    assert wrong(verdict) == {"executions": "3"}
    assert "retry_on_worker_lost=True" in verdict.fix[0]


def test_executions_are_counted_per_attempt() -> None:
    happened = told(crashed(), retried(countdown_s=1, delivery=2, redelivered=True), execution(retries=1, received=300))
    assert actual(verdict_of(RecoveryBudget(), happened))["executions"] == "2"


def test_a_message_that_was_only_received_is_no_execution() -> None:
    happened = told(execution(started=None), again(), faults=(fault(point="received", pid=800), RESTORED))
    verdict = verdict_of(RecoveryBudget(at="received", max_executions=1), happened)
    assert verdict.status is Status.PASS
    assert "received by main@host t=0.001s" in shown(verdict)


def test_a_recovery_that_took_too_long() -> None:
    assert wrong(verdict_of(RecoveryBudget(within_s=0.069), told(crashed(), again()))) == {"recovery": "70ms"}


def test_executions_that_overlapped_are_shown() -> None:
    happened = told(execution(body=200), again(started=160), faults=(fault("kill-broker", ms=100),))
    verdict = verdict_of(RecoveryBudget(kill="broker"), happened)
    assert "ran twice at once: in process 811 until t=0.202s, in process 900 from t=0.160s" in shown(verdict)


def test_the_killed_process_cannot_have_finished_the_task() -> None:
    undead = again(pid=811, boot="boot-1")
    assert wrong(verdict_of(RecoveryBudget(), told(crashed(), undead))) == {"finished in": "process 811 of main@host"}
    warm = verdict_of(RecoveryBudget(signal=SIGTERM), told(execution(body=200), faults=(KILLED,)))
    assert warm.status is Status.PASS
    assert "SIGTERM to its worker" in shown(warm)


def test_a_task_that_had_ended_before_the_kill_needs_no_recovery() -> None:
    happened = told(execution(), faults=(fault(ms=100, point="finished"),), tasks=unsafe(acks_late=False))
    verdict = verdict_of(RecoveryBudget(at="finished", within_s=1), happened)
    assert verdict.status is Status.PASS
    assert (actual(verdict)["recovery"], actual(verdict)["executions"]) == ("0s", "1")


# -- the fault


@pytest.mark.parametrize(
    ("budget", "executions", "said"),
    [
        (
            RecoveryBudget(at="query:7"),
            [execution(queries=(query(4), query(9, phase="hooks")))],
            "made 4 queries at most",
        ),
        (RecoveryBudget(at="query:1"), [execution()], "made 0 queries at most"),
        (RecoveryBudget(at="started"), [execution(started=None)], "no process began to run it"),
        (RecoveryBudget(at="finished"), [crashed()], "it was begun 1×, and ended 0×"),
    ],
)
def test_a_point_that_was_never_reached(budget: RecoveryBudget, executions: list[Execution], said: str) -> None:
    verdict = verdict_of(budget, told(*executions, faults=()))
    assert verdict.status is Status.FAIL
    assert wrong(verdict) == {f"worker killed at {budget.at}": "0×"}
    assert f"at='{budget.at}' was not reached 1×: " in shown(verdict)
    assert said in shown(verdict)


def test_a_query_that_is_not_made_is_told_with_the_last_that_is() -> None:
    verdict = verdict_of(RecoveryBudget(at="query:7"), told(execution(queries=(query(4),)), faults=()))
    assert verdict.fix == ("kill it at a query that it makes: at='query:4' is the last",)


def test_a_task_that_no_worker_received_was_not_killed() -> None:
    happened = History(publications=(publication(),), diagnosis="No worker consumes the queue.")
    verdict = verdict_of(RecoveryBudget(), happened)
    assert "no worker received it" in shown(verdict)
    assert "No worker consumes the queue." in shown(verdict)


def test_fewer_kills_than_ordered() -> None:
    verdict = verdict_of(RecoveryBudget(times=2), told(crashed(), again()))
    assert wrong(verdict) == {"worker killed at started": "1×"}
    assert "at='started' was not reached 2×" in shown(verdict)


@pytest.mark.parametrize("other", [fault("kill-child"), fault("raise"), fault(point="query:3"), fault(task_id="t9")])
def test_other_faults_are_not_the_ordered_one(other: Fault) -> None:
    verdict = verdict_of(RecoveryBudget(task=NAME), told(execution(), faults=(other,)))
    assert "worker killed at started" in wrong(verdict)


def test_without_a_name_one_hit_task_is_enough_and_the_others_must_survive_too() -> None:
    mail = crashed("t2", name="shop.tasks.mail", acknowledged_ns=at(2))
    happened = told(crashed(), again(), mail)
    charge, mail_verdict = judge(RecoveryBudget(), happened)
    assert charge.status is Status.PASS
    assert wrong(mail_verdict) == {"succeeded": "0", "lost": "1"}
