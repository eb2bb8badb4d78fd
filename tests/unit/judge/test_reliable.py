"""celery_reliable holds the tasks against every invariant, whatever was done to them."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings

from pytest_celery_perf.judge.crashes import CANCEL
from pytest_celery_perf.judge.reliable import judge
from pytest_celery_perf.model.faults import Fault
from pytest_celery_perf.model.history import History, Snapshot
from pytest_celery_perf.model.record import Outcome
from pytest_celery_perf.model.spec import ReliableBudget
from pytest_celery_perf.model.verdict import Status, Verdict
from tests.unit.generated import histories
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
    retried,
    worker,
)

HOUR_MS = 3_600_000
CHILD = fault("kill-child", ms=10)
WORKER = fault("kill-worker", ms=10, task_id=None)
QUIT = (fault("stop-worker", ms=10, task_id=None), fault("worker-ended", ms=20, task_id=None))


def verdict_of(budget: ReliableBudget, told: History) -> Verdict:
    (verdict,) = judge(budget, told)
    return verdict


def wrong(verdict: Verdict) -> dict[str, str]:
    return {check.metric: check.actual for check in verdict.checks if not check.ok}


def shown(verdict: Verdict) -> str:
    return "\n".join((*verdict.evidence, *verdict.fix))


RECOVERED = history(crashed(requeued_ns=at(12)), again(), faults=(CHILD,))


def test_an_undisturbed_task() -> None:
    verdict = verdict_of(ReliableBudget(), history(execution()))
    assert verdict.status is Status.PASS
    assert (
        "lost, stranded, poison, failed, ran twice at once, left in unacked, workers that died",
        "executions",
        "longest run",
    ) == tuple(check.metric for check in verdict.checks)
    assert verdict.evidence == ()


def test_a_task_that_recovered() -> None:
    verdict = verdict_of(ReliableBudget(max_executions=2, within_s=1), RECOVERED)
    assert verdict.status is Status.PASS
    assert "RECOVERED shop.tasks.charge[t1]: started in process 811 of main@host t=0.002s; kill-child at" in shown(
        verdict
    )
    assert "recovery: 160ms from the first fault to the end of shop.tasks.charge[t1]" in shown(verdict)


@pytest.mark.parametrize(
    ("budget", "told", "expected"),
    [
        (
            ReliableBudget(),
            history(crashed(acknowledged_ns=at(2)), faults=(WORKER,), tasks={NAME: options(acks_late=False)}),
            {"lost": "1"},
        ),
        (
            ReliableBudget(),
            History(publications=(publication(),), snapshots=(Snapshot(at_ns=at(9), reason="the end"),)),
            {"lost": "1"},
        ),
        (ReliableBudget(), history(crashed(), stuck_unacked=("t1",)), {"stranded": "1", "left in unacked": "1"}),
        (ReliableBudget(), history(failed()), {"failed": "1"}),
        (ReliableBudget(), RECOVERED, {"executions": "2"}),
        (ReliableBudget(max_executions=2), history(execution(body=500), again()), {"ran twice at once": "1"}),
        (
            ReliableBudget(max_executions=9),
            history(crashed(requeued_ns=at(12)), crashed(delivery=2, received=20, started=21, requeued_ns=at(30))),
            {"poison": "1"},
        ),
        (
            ReliableBudget(),
            history(execution(), faults=(fault("worker-died", ms=50, task_id=None),)),
            {"workers that died": "1"},
        ),
        (ReliableBudget(), history(execution(), states={"t1": "RETRY"}), {"states that are not so": "1"}),
        (ReliableBudget(max_executions=2, within_s=0.1), RECOVERED, {"recovery": "160ms"}),
        (
            ReliableBudget(within_s=1),
            history(crashed(acknowledged_ns=at(2)), faults=(WORKER,)),
            {"lost": "1", "recovery": "never"},
        ),
        (
            ReliableBudget(),
            history(retried(countdown_s=3600), execution(retries=1, received=20), publications=(
                publication(), publication(ms=11, retries=1, countdown_s=3600.0, waited_s=0.1)
            )),
            {"longest countdown": "1h"},
        ),
        (ReliableBudget(), history(execution(), tasks={NAME: options(time_limit_s=7200.0)}), {"time limit": "2h"}),
        (ReliableBudget(), history(execution(), tasks={NAME: options(time_limit_s=3600.0)}), {"time limit": "1h"}),
        (ReliableBudget(), history(execution(body=2 * HOUR_MS)), {"longest run": "2h"}),
        (ReliableBudget(), history(execution(body=90_000), workers=(worker(visibility_timeout_s=60.0),)),
            {"longest run": "90s"}),
    ],
)  # fmt: skip
def test_what_breaks_an_invariant(budget: ReliableBudget, told: History, expected: dict[str, str]) -> None:
    verdict = verdict_of(budget, told)
    assert expected == wrong(verdict)
    assert verdict.status is Status.FAIL
    assert verdict.evidence or verdict.fix


@pytest.mark.parametrize(
    ("budget", "told"),
    [
        (ReliableBudget(declared_failures=("ConnectionError",)), history(failed())),
        (ReliableBudget(declared_failures=("builtins.ConnectionError",)), history(failed())),
        (
            ReliableBudget(declared_failures=("revoked",)),
            History(publications=(publication(discarded=Outcome.REVOKED),)),
        ),
        (ReliableBudget(max_executions=2, overlap=True), history(execution(body=500), again())),
        (
            ReliableBudget(workers_alive=False),
            history(execution(), faults=(fault("worker-died", ms=50, task_id=None),)),
        ),
        (ReliableBudget(), history(execution(), states={"t1": "SUCCESS"})),
        (ReliableBudget(declared_failures=("ConnectionError",)), history(failed(), states={"t1": "FAILURE"})),
        (ReliableBudget(), history(execution(outcome=Outcome.IGNORED), states={"t1": "STARTED"})),
        (
            ReliableBudget(),
            history(execution(body=2 * HOUR_MS), tasks={NAME: options(acks_late=False, time_limit_s=7200.0)}),
        ),
    ],
)
def test_what_is_allowed(budget: ReliableBudget, told: History) -> None:
    assert wrong(verdict_of(budget, told)) == {}


def test_other_failures_than_the_declared_ones() -> None:
    told = history(failed(), failed("t2", error=error("shop.Refused", "no")))
    verdict = verdict_of(ReliableBudget(declared_failures=("ConnectionError",)), told)
    assert wrong(verdict) == {"failed otherwise than with ConnectionError": "1"}
    assert "FAILED shop.tasks.charge[t2]" in shown(verdict)
    assert "charge[t1]" not in shown(verdict)


RAISED = "it raised Refused at /app/shop/tasks.py:30: mend that"
OVERDUE = (
    "its hard time limit ended it, which Celery acknowledges: find out why it takes so long or, if it may begin again, "
    "set {} (acks_on_timeout=False, where your Celery has it) in the decorator of charge (/app/shop/tasks.py:20)"
)
TIMEOUT = failed(error=error("billiard.exceptions.TimeLimitExceeded", "TimeLimitExceeded(9,)"))
CRASH = "it failed where it had to go on after the crash: make it find out what was done already"


@pytest.mark.parametrize(
    ("declared", "told", "advice"),
    [
        (
            (),
            history(failed(error=error("shop.Refused"))),
            (RAISED, "if it may end so, declare it: declared_failures=['Refused']"),
        ),
        ((), history(TIMEOUT), (OVERDUE.format("acks_on_failure_or_timeout=False"),)),
        (
            (),
            history(TIMEOUT, tasks={NAME: options(acks_late=False)}),
            (OVERDUE.format("acks_late=True and acks_on_failure_or_timeout=False"),),
        ),
        (
            ("Refussed", "Timeout"),
            history(failed(error=error("shop.Refused"))),
            (RAISED, "if it may end so, declare it: declared_failures=['Refused']; did you mean that by 'Refussed'?"),
        ),
        (
            ("ConnectionError",),
            History(publications=(publication(discarded=Outcome.REVOKED),)),
            ("if it may end so, declare it: declared_failures=['revoked']",),
        ),
        (
            (),
            history(crashed(requeued_ns=at(12)), failed(delivery=2, received=40, started=41), faults=(CHILD,)),
            (CRASH,),
        ),
    ],
)
def test_only_a_task_that_had_to_begin_again_failed_after_a_crash(
    declared: tuple[str, ...], told: History, advice: tuple[str, ...]
) -> None:
    verdict = verdict_of(ReliableBudget(declared_failures=declared), told)
    assert advice == verdict.fix[: len(advice)]
    assert (CRASH in verdict.fix) is (CRASH in advice)


def test_a_publish_that_failed_is_told_and_forgiven() -> None:
    told = history(execution(), publications=(publication(), publication("t2", confirmed=False)))
    verdict = verdict_of(ReliableBudget(), told)
    assert verdict.status is Status.PASS
    assert "1 indeterminate, for example shop.tasks.charge[t2]: publishing it raised" in shown(verdict)


def test_a_state_that_lies() -> None:
    verdict = verdict_of(ReliableBudget(), history(execution(), states={"t1": "RETRY"}))
    assert "the result backend says RETRY of shop.tasks.charge[t1], but it succeeded" in shown(verdict)


def test_the_state_of_a_task_that_will_never_end() -> None:
    told = history(crashed(acknowledged_ns=at(2)), faults=(WORKER,), states={"t1": "RETRY"})
    assert "the result backend says RETRY of shop.tasks.charge[t1], and will for ever" in shown(
        verdict_of(ReliableBudget(), told)
    )


def test_the_state_of_a_task_that_waits_for_its_next_attempt() -> None:
    waits = Snapshot(at_ns=at(900), reason="the end", unacked=("t1",), scheduled=("t1",))
    told = history(retried(countdown_s=180.0), snapshots=(waits,), states={"t1": "RETRY"})
    verdict = verdict_of(ReliableBudget(), told)
    assert "holds it in unacked until its ETA" in shown(verdict)
    assert "the result backend says RETRY of shop.tasks.charge[t1], and will until its ETA" in shown(verdict)


@pytest.mark.parametrize(
    ("lost", "words"),
    [
        (
            history(crashed(acknowledged_ns=at(2)), faults=(WORKER,), tasks={NAME: options(acks_late=False)}),
            "set acks_late=True in the decorator of charge (/app/shop/tasks.py:20)",
        ),
        (
            history(execution(outcome=Outcome.REVOKED), faults=(fault("kill-broker", task_id=None, boot=None),)),
            "set worker_cancel_long_running_tasks_on_connection_loss=False",
        ),
        (
            history(crashed(), faults=(WORKER,), publications=(publication(discarded=Outcome.REVOKED, expired=True),)),
            "its message had expired when it was delivered again: expires= holds for a redelivery, too",
        ),
        (
            history(crashed(acknowledged_ns=at(12), pool="gevent"), faults=(WORKER,)),
            "lost because the gevent pool acknowledges what it runs when its worker is told to stop at once",
        ),
        (
            history(crashed(acknowledged_ns=at(2), pool="gevent"), faults=QUIT, tasks={NAME: options(acks_late=False)}),
            "no option of the task helps here: run it on prefork with acks_late=True, or end its worker by",
        ),
        (
            history(
                crashed(acknowledged_ns=at(2), pool="gevent"),
                faults=(*QUIT, fault("kill-worker", ms=30, task_id=None)),
                tasks={NAME: options(acks_late=False)},
            ),
            "set acks_late=True in the decorator of charge (/app/shop/tasks.py:20)",
        ),
        (
            history(crashed(outcome=Outcome.LOST), tasks={NAME: options(reject_on_worker_lost=False)}),
            "set reject_on_worker_lost=True in",
        ),
    ],
)
def test_what_would_have_saved_a_task(lost: History, words: str) -> None:
    assert words in shown(verdict_of(ReliableBudget(), lost))


@pytest.mark.parametrize(
    ("acks_late", "advice"),
    [
        (True, "no option of the task helps here: run it on prefork, or end its worker by SIGTERM, with the time to"),
        (False, "no option of the task helps here: run it on prefork with acks_late=True, or end its worker by"),
    ],
)
def test_what_a_signal_to_its_solo_worker_has_failed_is_not_to_be_mended_or_declared(
    acks_late: bool, advice: str
) -> None:
    unable = error("builtins.NotImplementedError", "<class 'celery…solo.TaskPool'> does not implement kill_job")
    told = history(failed(error=unable, pool="solo"), faults=QUIT, tasks={NAME: options(acks_late=acks_late)})
    verdict = verdict_of(ReliableBudget(), told)
    assert "failed because the solo pool cannot end what it runs: told to stop at once, its worker" in shown(verdict)
    assert [line for line in verdict.fix if advice in line] == list(verdict.fix)


def test_a_broker_that_came_back_without_its_data_says_so() -> None:
    killed = fault("kill-broker", task_id=None, boot=None, detail="its data are lost")
    empty = Snapshot(at_ns=at(900), reason="the end")
    told = History(publications=(publication(),), faults=(killed,), snapshots=(empty,))
    assert "the broker came back without its data: it keeps no append-only file" in shown(
        verdict_of(ReliableBudget(), told)
    )
    back = fault("kill-broker", task_id=None, boot=None)
    kept = History(publications=(publication(),), faults=(back, fault("vanished", boot=None)), snapshots=(empty,))
    assert "a worker had just taken it from its queue" in shown(verdict_of(ReliableBudget(), kept))


def test_a_message_that_went_into_a_dead_connection_is_told_from_one_that_the_broker_forgot() -> None:
    severed = History(
        publications=(publication(),), faults=(fault("network-half-open", boot=None), fault("vanished", boot=None))
    )
    told = shown(verdict_of(ReliableBudget(), severed))
    assert "sent it over a connection that no worker read any more" in told
    assert "append-only" not in told


@pytest.mark.parametrize(
    ("cause", "advised"),
    [
        (CHILD, True),
        (fault("stop-worker", ms=10, task_id=None), False),
        (fault("drop-connections", ms=10, task_id=None, boot=None), False),
    ],
    ids=["its child died", "its worker stopped", "its connection broke"],
)
def test_only_a_dead_child_calls_for_a_bound_of_what_is_put_back(cause: Fault, advised: bool) -> None:
    told = history(crashed(requeued_ns=at(12)), again(), faults=(cause,))
    assert ("retry_on_worker_lost=True" in shown(verdict_of(ReliableBudget(), told))) is advised


LOCK = "the broker delivered again what still ran: let the task take a lock, or make its writes idempotent"
ALLOW = "a task that does so already may run twice at once: allow it in the marker by overlap=True"


@pytest.mark.parametrize(
    ("budget", "broken", "task_options", "advice"),
    [
        (ReliableBudget(max_executions=2), "drop-connections", {}, (CANCEL, LOCK, ALLOW)),
        (ReliableBudget(max_executions=2), "network-black-hole", {}, (CANCEL, LOCK, ALLOW)),
        (ReliableBudget(max_executions=2), "network-black-hole", {"acks_late": False}, (LOCK, ALLOW)),
        (ReliableBudget(max_executions=2), "kill-broker", {}, (LOCK, ALLOW)),
        (ReliableBudget(max_executions=2), "restored", {}, (LOCK, ALLOW)),
        (ReliableBudget(), "drop-connections", {}, (CANCEL, LOCK, f"{ALLOW}, max_executions=2")),
    ],
)
def test_what_helps_against_two_executions_at_once(
    budget: ReliableBudget, broken: str, task_options: dict[str, Any], advice: tuple[str, ...]
) -> None:
    told = history(
        execution(body=500),
        again(),
        faults=(fault(broken, ms=10, task_id=None, boot=None),),
        tasks={NAME: options(**task_options)},
    )
    verdict = verdict_of(budget, told)
    assert wrong(verdict).keys() <= {"ran twice at once", "executions"}
    assert advice == verdict.fix[-len(advice) :]
    assert (CANCEL in verdict.fix) is (CANCEL in advice)


def test_a_poison_task_that_takes_whole_workers_along_is_not_bounded_by_counting_children() -> None:
    kills = (fault(ms=10), fault(ms=30, boot="boot-2"))
    told = history(crashed(), crashed(delivery=2, received=20, started=21, boot="boot-2"), faults=kills)
    verdict = verdict_of(ReliableBudget(max_executions=9), told)
    assert wrong(verdict) == {"poison": "1"}
    assert "retry_on_worker_lost" not in shown(verdict)
    assert "let it look at self.request.delivery_info['redelivered']" in shown(verdict)


def test_a_message_that_died_in_the_hands_of_its_worker_is_not_blamed_on_the_broker() -> None:
    died = fault("worker-died", task_id=None)
    told = History(publications=(publication(),), faults=(died,), snapshots=(Snapshot(at_ns=at(9), reason="the end"),))
    evidence = shown(verdict_of(ReliableBudget(), told))
    assert "was gone before it had noted it in unacked, which kombu does in two steps" in evidence
    assert "append-only" not in evidence


STORE = error("redis.exceptions.ConnectionError", "Connection refused.")
TRY_AGAIN = "with result_backend_always_retry=True a worker tries again until the result backend answers"


@pytest.mark.parametrize(
    ("states", "instead"), [({}, "who waits for it may wait for ever"), ({"t1": "FAILURE"}, "the result backend says")]
)
def test_a_result_that_could_not_be_stored_is_told_and_fails_no_test(states: dict[str, str], instead: str) -> None:
    told = history(execution(unstored=STORE), states=states)
    verdict = verdict_of(ReliableBudget(), told)
    assert verdict.status is Status.PASS
    why = "(redis.exceptions.ConnectionError: Connection refused.)"
    assert f"1 result could not be stored, that of shop.tasks.charge[t1] {why}: {instead}" in shown(verdict)


def test_a_task_that_will_run_again_since_its_result_could_not_be_stored() -> None:
    held = Snapshot(at_ns=at(900), reason="the end", unacked=("t1",))
    unheard = execution(unstored=STORE, acknowledged_ns=None, pool="threads")
    verdict = verdict_of(ReliableBudget(), history(unheard, snapshots=(held,), stuck_unacked=("t1",)))
    assert wrong(verdict) == {"left in unacked": "1"}
    assert TRY_AGAIN in shown(verdict)


def test_a_task_that_ran_again_since_its_result_could_not_be_stored() -> None:
    verdict = verdict_of(ReliableBudget(), history(execution(unstored=STORE, acknowledged_ns=None), again()))
    assert wrong(verdict) == {"executions": "2"}
    assert "succeeded, which could not be stored t=0.012s; started again" in shown(verdict)
    assert TRY_AGAIN in verdict.fix[0]


def test_a_task_that_was_never_run_since_its_start_could_not_be_stored() -> None:
    unbegun = failed(error=STORE, unstored=STORE, body_started_ns=None, body_ended_ns=None)
    verdict = verdict_of(ReliableBudget(), history(unbegun))
    assert wrong(verdict) == {"failed": "1"}
    (fix,) = verdict.fix
    assert TRY_AGAIN in fix


def test_a_worker_that_gave_up_storing_a_result_tries_too_seldom() -> None:
    given_up = execution(unstored=error("celery.exceptions.BackendStoreError", "failed to store result"))
    assert "raise result_backend_max_retries" in shown(verdict_of(ReliableBudget(), history(given_up, again())))


def test_what_its_time_limit_has_ended_again_and_again() -> None:
    timed_out = [failed(delivery=n, received=n, started=n, requeued_ns=at(n + 20)) for n in (1, 30, 60)]
    told = history(*timed_out, snapshots=(Snapshot(at_ns=at(99), reason="the end", queues=(("celery", ("t1",)),)),))
    verdict = verdict_of(ReliableBudget(), told)
    assert wrong(verdict) == {"stranded": "1", "executions": "3"}
    assert "acks_on_failure_or_timeout=False puts back without a bound what its time limit has ended" in shown(verdict)


def test_more_executions_than_allowed_are_explained_by_what_caused_them() -> None:
    child, restored = RECOVERED, history(crashed(), again(), faults=(WORKER,))
    assert "retry_on_worker_lost=True" in shown(verdict_of(ReliableBudget(), child))
    assert "retry_on_worker_lost=True" not in shown(verdict_of(ReliableBudget(), restored))
    assert "then allow it with max_executions=" in shown(verdict_of(ReliableBudget(), restored))


def test_a_fault_of_another_worker_hits_no_task_of_this_one() -> None:
    other = fault("kill-worker", ms=5, task_id=None, boot="boot-9")
    told = history(execution(), faults=(other,), workers=(worker(), worker("boot-9")))
    verdict = verdict_of(ReliableBudget(within_s=0.001), told)
    assert verdict.status is Status.PASS
    assert "RECOVERED" not in shown(verdict)


def test_each_name_has_a_verdict_and_a_named_task_answers_for_what_others_left() -> None:
    told = history(execution(), execution("t2", name="shop.tasks.mail"), stuck_unacked=("t9",))
    assert [NAME, "shop.tasks.mail"] == [verdict.task for verdict in judge(ReliableBudget(), told)]
    assert wrong(verdict_of(ReliableBudget(task=NAME), told)) == {"left in unacked": "1"}


@settings(max_examples=100)
@given(histories())
def test_any_history_can_be_judged(told: History) -> None:
    for verdict in judge(ReliableBudget(within_s=1), told):
        assert (verdict.status is Status.PASS) == (wrong(verdict) == {})
