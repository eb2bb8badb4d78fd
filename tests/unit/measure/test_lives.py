"""Each task has one fate, told from what was recorded of it."""

from __future__ import annotations

import pytest

from pytest_celery_perf.measure.lives import Fate, Life, lives
from pytest_celery_perf.model.history import History
from pytest_celery_perf.model.record import Execution, Outcome
from tests.unit.histories import NAME, at, crashed, execution, failed, fault, history, publication, retried


def only(told: History) -> Life:
    (life,) = lives(told)
    return life


@pytest.mark.parametrize("outcome", ["succeeded", "failed", "ignored", "rejected", "revoked"])
def test_the_end_of_the_execution_is_the_fate_of_the_task(outcome: str) -> None:
    ended = execution(outcome=Outcome(outcome))
    assert only(history(ended)).fate == outcome
    assert only(history(ended)).concluding is ended


def test_a_retried_task_has_the_fate_of_its_last_attempt() -> None:
    life = only(history(retried(countdown_s=1), failed(retries=1, received=20, started=21)))
    assert (life.fate, life.attempts, len(life.publications)) == (Fate.FAILED, 2, 2)


def test_a_task_whose_next_attempt_was_not_received_is_unfinished() -> None:
    assert only(history(retried(countdown_s=600))).fate is Fate.UNFINISHED


def test_a_task_that_was_published_and_never_received_is_unfinished() -> None:
    life = only(History(publications=(publication(),)))
    assert (life.fate, life.attempts, life.executions) == (Fate.UNFINISHED, 0, ())


def test_a_task_whose_message_was_thrown_away_has_the_fate_of_the_message() -> None:
    assert only(History(publications=(publication(discarded=Outcome.REVOKED),))).fate is Fate.REVOKED
    assert only(History(publications=(publication(discarded=Outcome.REJECTED),))).fate is Fate.REJECTED


def test_a_message_that_may_not_have_been_sent_is_no_task() -> None:
    assert lives(History(publications=(publication(confirmed=False),))) == ()


def test_a_message_whose_publishing_raised_but_which_arrived_is_a_task() -> None:
    assert only(history(execution(), publications=(publication(confirmed=False),))).fate is Fate.SUCCEEDED


def test_a_task_whose_publishing_was_not_seen_is_told_from_its_executions() -> None:
    life = only(history(execution(), publications=()))
    assert (life.fate, life.name, life.publications) == (Fate.SUCCEEDED, NAME, ())


LATE = crashed()
EARLY = crashed(acknowledged_ns=at(2))


@pytest.mark.parametrize("kind", ["kill-child", "kill-worker", "worker-died"])
def test_a_task_that_was_acknowledged_and_whose_process_is_gone_is_lost(kind: str) -> None:
    assert only(history(EARLY, faults=(fault(kind),))).fate is Fate.LOST


def test_a_task_that_the_worker_reported_lost_is_lost() -> None:
    assert only(history(crashed(outcome=Outcome.LOST))).fate is Fate.LOST


@pytest.mark.parametrize("begun", [crashed(), crashed(requeued_ns=at(12)), retried(countdown_s=1)])
def test_a_task_whose_message_nobody_has_any_more_is_lost(begun: Execution) -> None:
    vanished = fault("vanished", ms=900, pid=None, boot=None)
    assert only(history(begun, faults=(vanished,))).fate is Fate.LOST
    assert only(history(begun, execution(received=950, started=951, body=5), faults=(vanished,))).fate is Fate.SUCCEEDED
    assert only(history(begun, crashed(received=950, started=951), faults=(vanished,))).fate is Fate.UNFINISHED


def test_a_task_whose_next_attempt_is_under_way_is_not_lost_with_this_one() -> None:
    told = history(EARLY, publications=(publication(), publication(retries=1, ms=11)), faults=(fault(),))
    assert only(told).fate is Fate.UNFINISHED


@pytest.mark.parametrize(
    ("begun", "told"),
    [
        (LATE, {"faults": (fault(),)}),
        (EARLY, {}),  # it runs still
        (EARLY, {"faults": (fault(boot="another"),)}),
        (EARLY, {"faults": (fault("kill-child", pid=812),)}),
        (EARLY, {"faults": (fault(ms=-50),)}),
        (EARLY, {"faults": (fault("restored"),)}),
        (EARLY, {"faults": (fault(),), "stuck_unacked": ("t1",)}),
        (crashed(outcome=Outcome.LOST, requeued_ns=at(30)), {}),
        (execution(outcome=Outcome.REJECTED, requeued_ns=at(30)), {}),
    ],
)
def test_a_task_that_may_still_end_is_not_lost(begun: Execution, told: dict[str, tuple[object, ...]]) -> None:
    assert only(history(begun, **told)).fate is Fate.UNFINISHED


def test_a_redelivered_task_has_the_fate_of_the_delivery_that_ended() -> None:
    second = execution(delivery=2, redelivered=True, received=50, started=51, pid=812)
    life = only(history(LATE, second, faults=(fault(),)))
    assert (life.fate, life.concluding, life.attempts, len(life.started)) == (Fate.SUCCEEDED, second, 1, 2)


def test_of_two_ends_the_later_one_counts_whatever_was_received_first() -> None:
    slow = failed(body=500)
    quick = execution(delivery=2, redelivered=True, received=50, started=51, body=5)
    assert only(history(slow, quick)).concluding is slow


def test_tasks_come_in_the_order_of_their_publication() -> None:
    told = History(publications=(publication("late", ms=5), publication("early", ms=1)))
    assert [life.task_id for life in lives(told)] == ["early", "late"]


def test_a_label_is_the_name_with_the_beginning_of_the_id() -> None:
    assert only(history(execution("3f2a91c0-1f2e"))).label == f"{NAME}[3f2a91c0]"
