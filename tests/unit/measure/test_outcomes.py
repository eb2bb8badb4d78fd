"""Each task of a test has exactly one class, and the reason says what made it so."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings

from pytest_celery_perf.measure.lives import Fate
from pytest_celery_perf.measure.outcomes import Classified, TaskClass, classify, executions_of
from pytest_celery_perf.model.faults import Fault
from pytest_celery_perf.model.history import History, Snapshot
from pytest_celery_perf.model.record import Execution, Outcome
from tests.unit.generated import histories
from tests.unit.histories import (
    at,
    crashed,
    error,
    execution,
    failed,
    fault,
    history,
    publication,
    retried,
    worker,
)

# -- the classes partition the tasks


def ids_of(told: History) -> set[str]:
    return {each.task_id for each in told.publications} | {each.task_id for each in told.executions}


def alone(told: History, task_id: str) -> History:
    """Leave out all records of other tasks."""
    return replace(
        told,
        publications=tuple(each for each in told.publications if each.task_id == task_id),
        executions=tuple(each for each in told.executions if each.task_id == task_id),
    )


@settings(max_examples=150)
@given(histories())
def test_every_task_has_exactly_one_class_and_a_reason(told: History) -> None:
    classified = classify(told)
    assert sorted(ids_of(told)) == sorted(each.life.task_id for each in classified)
    assert all(each.task_class in TaskClass and each.reason for each in classified)


@settings(max_examples=100)
@given(histories())
def test_the_class_of_a_task_is_told_from_its_own_records(told: History) -> None:
    together = {each.life.task_id: each.task_class for each in classify(told)}
    assert together == {task_id: classify(alone(told, task_id))[0].task_class for task_id in ids_of(told)}


@settings(max_examples=150)
@given(histories())
def test_no_class_contradicts_the_records(told: History) -> None:
    """Each class is checked against what a reader would demand of it, not against the others' rules."""
    for each in classify(told):
        life, held = each.life, told.end is not None and told.end.holds(each.life.task_id)
        ended = [run for run in life.started if run.ended_ns is not None]
        match each.task_class:
            case TaskClass.INDETERMINATE:
                assert not life.executions
                assert not held
            case TaskClass.COMPLETED:
                assert life.fate in (Fate.SUCCEEDED, Fate.IGNORED)
            case TaskClass.FAILED:
                assert life.fate in (Fate.FAILED, Fate.REJECTED, Fate.REVOKED)
            case TaskClass.LOST:
                assert life.fate not in (Fate.SUCCEEDED, Fate.IGNORED, Fate.FAILED)
                assert life.fate is not Fate.UNFINISHED or not held
            case TaskClass.STRANDED:
                assert life.fate is Fate.UNFINISHED
            case TaskClass.DUPLICATED:
                assert len(ended) > 1
            case TaskClass.OVERLAPPING:
                assert len(life.started) > 1
            case TaskClass.POISON:
                assert len(life.started) > 1
                assert not ended


# -- one by one


def only(told: History) -> Classified:
    (classified,) = classify(told)
    return classified


def seen(*, ms: float = 1000, **fields: Any) -> dict[str, Any]:
    """What the broker held at the end."""
    end = Snapshot(at_ns=at(ms), reason="the end", **fields)
    return {"snapshots": (end,), "stuck_unacked": end.unacked}


def again(**fields: Any) -> Execution:
    """The second delivery, on another worker."""
    defaults = {"delivery": 2, "redelivered": True, "received": 50, "started": 51, "pid": 900, "boot": "boot-2"}
    return execution(**{**defaults, **fields})


AWAY = fault("kill-broker", ms=5, task_id=None, pid=None, boot=None)
EARLY = crashed(acknowledged_ns=at(2))
CHILD = fault("kill-child", ms=10)
WORKER = fault("kill-worker", ms=10)

COMPLETED = [
    ("it succeeded", history(execution())),
    ("it raised Ignore", history(execution(outcome=Outcome.IGNORED))),
    ("it succeeded", history(failed(requeued_ns=at(13)), again())),
    ("it succeeded after its process had died 1×", history(crashed(requeued_ns=at(12)), again(), faults=(CHILD,))),
    ("it succeeded", history(retried(countdown_s=1), execution(retries=1, received=20, started=21))),
    ("it succeeded", history(execution(), again(outcome=Outcome.DEDUPLICATED))),
    ("it raised Ignore", history(execution(), again(outcome=Outcome.IGNORED), publications=())),
    ("it succeeded, though its result could not be stored", history(execution(unstored=error()))),
]
FAILED = [
    ("it failed with builtins.ConnectionError: refused", history(failed())),
    (
        "it failed with builtins.ConnectionError: refused, though its result could not be stored",
        history(failed(unstored=error())),
    ),
    ("it was rejected", history(execution(outcome=Outcome.REJECTED))),
    ("it was revoked before it began", History(publications=(publication(discarded=Outcome.REVOKED),))),
    (
        "it had expired before it began",
        History(publications=(publication(discarded=Outcome.REVOKED, expired=True),)),
    ),
    (
        "it was revoked while process 811 ran it",
        history(EARLY, publications=(publication(discarded=Outcome.REVOKED),)),
    ),
    (
        "it was revoked",
        history(
            retried(countdown_s=1), publications=(publication(), publication(retries=1, discarded=Outcome.REVOKED))
        ),
    ),
]
LOST = [
    (
        "it was acknowledged before it ended, and process 811 is gone",
        history(EARLY, faults=(fault("process-gone", ms=2000),)),
    ),
    ("it was acknowledged before it ended, and process 811 is gone", history(EARLY, faults=(WORKER,))),
    ("process 811 died with it, and its message is acknowledged", history(crashed(outcome=Outcome.LOST))),
    (
        "it was revoked and acknowledged while process 811 ran it",
        history(EARLY, publications=(publication(discarded=Outcome.REVOKED),), faults=(AWAY,)),
    ),
    (
        "it was revoked and acknowledged while process 811 ran it",
        history(execution(outcome=Outcome.REVOKED), faults=(AWAY,)),
    ),
    (
        "process 811 did not end it, and its message had expired when it was delivered again",
        history(crashed(), publications=(publication(discarded=Outcome.REVOKED, expired=True),), faults=(WORKER,)),
    ),
    (
        "the broker came back without its message",
        History(publications=(publication(),), faults=(AWAY, fault("vanished", pid=None, boot=None))),
    ),
    (
        "a worker had just taken its message, and was gone before it had noted it",
        History(publications=(publication(),), faults=(WORKER, fault("vanished", pid=None, boot=None))),
    ),
    (
        "its message went astray on its way to a worker",
        History(
            publications=(publication(),),
            faults=(fault("network-half-open", pid=None, boot=None), fault("vanished", pid=None, boot=None)),
        ),
    ),
    (
        "a worker that does not know the task threw its message away",
        History(publications=(publication(discarded=Outcome.REJECTED),)),
    ),
    (
        "publishing its next attempt failed, and the message of this one was thrown away",
        history(
            execution(outcome=Outcome.REJECTED),
            publications=(publication(), publication(retries=1, ms=11, confirmed=False)),
        ),
    ),
    (
        "its message is in neither queue nor unacked, and nobody runs it",
        History(publications=(publication(),), **seen()),
    ),
    (
        "its message is in neither queue nor unacked, and nobody runs it",
        history(
            crashed(requeued_ns=at(12)),
            crashed(received=20, started=21, delivery=2, requeued_ns=at(30)),
            faults=(CHILD, fault("vanished", ms=900, pid=None, boot=None)),
            **seen(),
        ),
    ),
    ("its message is in neither queue nor unacked, and nobody runs it", history(retried(countdown_s=1), **seen())),
]
STRANDED = [
    (
        "it waits in the queue 'celery'",
        History(publications=(publication(),), workers=(worker(),), **seen(queues=(("celery", ("t1",)),))),
    ),
    (
        "it waits in the queue 'nowhere', which no living worker consumes",
        History(publications=(publication(),), workers=(worker(),), **seen(queues=(("nowhere", ("t1",)),))),
    ),
    (
        "it waits in the queue 'celery', which no living worker consumes",
        History(
            publications=(publication(),),
            workers=(worker(),),
            faults=(fault("worker-died", task_id=None),),
            **seen(queues=(("celery", ("t1",)),)),
        ),
    ),
    (
        "main@host holds it in unacked until its ETA",
        history(execution(started=None), **seen(unacked=("t1",), scheduled=("t1",))),
    ),
    ("process 811 of main@host still runs it", history(EARLY, **seen())),
    (
        "process 811 of main@host, which is dead, holds it in unacked",
        history(crashed(), faults=(WORKER,), **seen(unacked=("t1",))),
    ),
    (
        "process 811 of main@host holds it in unacked, but runs it no more",
        history(crashed(body_ended_ns=at(40)), **seen(unacked=("t1",))),
    ),
    (
        "main@host, which is dead, holds it in unacked, and never began it",
        history(execution(started=None), faults=(WORKER,), **seen(unacked=("t1",))),
    ),
    ("main@host holds it in unacked, and never began it", history(execution(started=None), **seen(unacked=("t1",)))),
    (
        "a worker that never said so holds it in unacked",
        History(publications=(publication(),), **seen(unacked=("t1",))),
    ),
    (
        "it had not ended when the waiting stopped, and nobody looked where its message is",
        History(publications=(publication(),), **seen(error="the broker does not answer")),
    ),
    (
        "a worker that never said so holds it in unacked",
        History(publications=(publication(confirmed=False),), **seen(unacked=("t1",))),
    ),
]
OVERLAPPING = [
    ("it ran in process 811 of main@host and process 900 of main@host at once", history(execution(body=100), again())),
    ("it ran in process 811 of main@host and process 900 of main@host at once", history(crashed(), again())),
    (
        "it ran in process 811 of main@host and process 900 of main@host at once",
        history(crashed(), again(), faults=(fault("kill-child", ms=55),)),
    ),
]
DUPLICATED = [
    ("it ran to its end 2×", history(execution(), again())),
    ("it ran to its end 2×", history(execution(unstored=error(), acknowledged_ns=None), again())),
    ("it ran to its end 2×", history(retried(countdown_s=1), again(outcome=Outcome.RETRIED), failed(retries=1))),
]
TWICE_DEAD = (crashed(requeued_ns=at(12)), crashed(received=20, started=21, delivery=2, requeued_ns=at(30)))
"""And put back."""
POISON = [
    (
        "it was begun 2×, and each time its process died",
        history(*TWICE_DEAD, faults=(CHILD,)),
    ),
    (
        "it was begun 2×, and each time its process died",
        history(crashed(requeued_ns=at(12)), crashed(received=20, started=21, delivery=2, outcome=Outcome.LOST)),
    ),
]
INDETERMINATE = [
    (
        "publishing it raised, or never returned, and no worker received it",
        History(publications=(publication(confirmed=False),)),
    ),
]
EXAMPLES = {
    TaskClass.COMPLETED: COMPLETED,
    TaskClass.FAILED: FAILED,
    TaskClass.LOST: LOST,
    TaskClass.STRANDED: STRANDED,
    TaskClass.OVERLAPPING: OVERLAPPING,
    TaskClass.DUPLICATED: DUPLICATED,
    TaskClass.POISON: POISON,
    TaskClass.INDETERMINATE: INDETERMINATE,
}
CASES = [(kind, reason, told) for kind, examples in EXAMPLES.items() for reason, told in examples]


@pytest.mark.parametrize(("kind", "reason", "told"), CASES, ids=[f"{kind}: {reason}" for kind, reason, _ in CASES])
def test_a_class_and_its_reason(kind: TaskClass, reason: str, told: History) -> None:
    classified = only(told)
    assert (kind, reason) == (classified.task_class, classified.reason)


@pytest.mark.parametrize(
    ("began", "ended", "kind"),
    [
        pytest.param(900, 1000, TaskClass.POISON, id="it has just begun"),
        pytest.param(1001, 1000, TaskClass.POISON, id="after anybody looked"),
        pytest.param(1100, 3000, TaskClass.STRANDED, id="it has outlived the others"),
    ],
)
def test_who_has_just_begun_again_has_not_survived(began: float, ended: float, kind: TaskClass) -> None:
    third = crashed(received=began, started=began, delivery=3)
    told = history(*TWICE_DEAD, third, faults=(CHILD,), **seen(ms=ended, unacked=("t1",)))
    assert only(told).task_class is kind


def test_there_is_an_example_of_every_class() -> None:
    assert {*TaskClass} == {*EXAMPLES}


@pytest.mark.parametrize(
    ("first", "faults"),
    [
        (crashed(), (CHILD,)),  # it was dead when the second one began
        (crashed(requeued_ns=at(12)), ()),
        (crashed(outcome=Outcome.LOST), ()),
        (crashed(body_ended_ns=at(40)), ()),  # it was cut off
        (crashed(), (fault("process-gone", ms=2000),)),  # nobody knows when
        (crashed(), (fault("worker-ended", ms=20, pid=800),)),
        (execution(retries=1, body=100), ()),  # another attempt
    ],
)
def test_what_did_not_certainly_run_at_once_does_not_overlap(first: Execution, faults: tuple[Fault, ...]) -> None:
    assert only(history(first, again(), faults=faults)).task_class is TaskClass.COMPLETED


def test_what_came_after_the_snapshot_is_not_lost() -> None:
    late = execution(started=None, received=1001)
    assert only(history(late, **seen(ms=1000))).task_class is TaskClass.STRANDED


def test_executions_are_counted_per_attempt() -> None:
    told = history(crashed(), again(outcome=Outcome.RETRIED), execution(retries=1, received=60, started=61))
    assert executions_of(only(told).life) == 2
