"""A journal tells everything that was recorded, in the order of time."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given, settings

from pytest_celery_perf.measure.journal import journal
from pytest_celery_perf.model.history import History, Snapshot
from pytest_celery_perf.model.record import Frame, Outcome, Point
from tests.unit.generated import histories
from tests.unit.histories import BOOT, at, crashed, error, execution, fault, history, publication, retried, worker


def told(happened: History, **options: bool) -> list[str]:
    return [f"{entry.actor}: {entry.text}" for entry in journal(happened, **options)]


CRASH = history(
    crashed("3f2a91c0-1", requeued_ns=at(12)),
    execution("3f2a91c0-1", delivery=2, redelivered=True, received=20, started=21, pid=900),
    faults=(fault("kill-child", ms=10, task_id="3f2a91c0-1", detail="SIGKILL"),),
    snapshots=(Snapshot(at_ns=at(11), reason="kill-child", unacked=("3f2a91c0-1",)),),
)


def test_a_crash_from_the_publish_to_the_acknowledgment() -> None:
    assert [
        "test: published charge[3f2a91c0] to 'celery'",
        "main@host: received charge[3f2a91c0]",
        "process 811 of main@host: started charge[3f2a91c0]",
        "main@host: kill-child at started in charge[3f2a91c0]: SIGKILL",
        "broker: charge[3f2a91c0] in unacked (after kill-child)",
        "main@host: put charge[3f2a91c0] back into its queue",
        "main@host: received charge[3f2a91c0] again (delivery 2)",
        "process 900 of main@host: started charge[3f2a91c0] again (delivery 2)",
        "process 900 of main@host: charge[3f2a91c0] succeeded",
        "main@host: acknowledged charge[3f2a91c0]",
    ] == told(CRASH)


def test_two_runs_can_be_compared() -> None:
    """Neither ids nor process numbers are the same twice."""
    other = replace(
        CRASH,
        publications=tuple(replace(each, task_id="other") for each in CRASH.publications),
        executions=tuple(
            replace(each, task_id="other", pid=each.pid + 50 if each.pid else None) for each in CRASH.executions
        ),
        faults=tuple(replace(each, task_id="other") for each in CRASH.faults),
        snapshots=tuple(replace(each, unacked=("other",)) for each in CRASH.snapshots),
    )
    assert told(CRASH, numbered=True) == told(other, numbered=True)
    assert "process #2 of main@host: charge[#1] succeeded" in told(CRASH, numbered=True)
    assert told(CRASH) != told(other)


def test_a_retry_says_what_was_asked_and_what_was_waited() -> None:
    lines = told(
        history(
            retried("t1", countdown_s=600),
            execution("t1", retries=1, received=700, started=701, acknowledged_ns=at(700)),
            publications=(
                publication("t1"),
                publication("t1", ms=11, retries=1, countdown_s=600.0, waited_s=0.6, boot=BOOT),
            ),
        )
    )
    assert (
        "process 811 of main@host: charge[t1] retried (builtins.ConnectionError: refused), to go on in 10min" in lines
    )
    assert "main@host: published charge[t1], attempt 2, to 'celery', to be begun in 10min (600ms here)" in lines
    assert "main@host: acknowledged charge[t1], attempt 2, before its end" in lines


def test_an_end_whose_result_could_not_be_stored_says_why() -> None:
    lines = told(history(execution("t1", unstored=error())))
    assert (
        "process 811 of main@host: charge[t1] succeeded; storing that failed (builtins.ConnectionError: refused)"
        in lines
    )


def test_what_was_not_sent_and_what_was_thrown_away() -> None:
    happened = History(
        publications=(
            publication("t1", confirmed=False),
            publication("t2", ms=1, discarded=Outcome.REVOKED),
            publication("t3", ms=2, discarded=Outcome.REVOKED, expired=True),
        )
    )
    assert [
        "test: tried to publish charge[t1] to 'celery'",
        "test: published charge[t2] to 'celery'; it was revoked",
        "test: published charge[t3] to 'celery'; it expired",
    ] == told(happened)


def test_what_the_broker_held() -> None:
    end = Snapshot(
        at_ns=at(9), reason="restored", queues=(("celery", ("t1", "t2")),), unacked=("t3", "t4"), scheduled=("t4",)
    )
    gone = Snapshot(at_ns=at(10), reason="kill-broker", error="the broker does not answer")
    happened = History(publications=tuple(map(publication, ("t1", "t2", "t3", "t4"))), snapshots=(end, gone))
    tasks = "charge[t1], charge[t2]"
    assert [
        f"broker: {tasks} in 'celery'; charge[t3] in unacked; charge[t4] in unacked until its ETA (after restored)",
        "broker: the broker does not answer (after kill-broker)",
    ] == told(happened)[4:]


def test_a_point_says_what_was_touched_and_where() -> None:
    point = Point(
        number=3,
        kind="query",
        label="UPDATE shop_order",
        task_id="t1",
        name="shop.tasks.charge",
        retries=0,
        delivery=1,
        at_ns=at(5),
        stack=(Frame(path="/app/shop/tasks.py", line=30, function="charge"),),
    )
    happened = history(
        execution("t1"), points=(point, replace(point, number=5, kind="acknowledgment", label="", stack=()))
    )
    lines = told(happened)
    assert "process 811 of main@host: charge[t1] touches 3: query UPDATE shop_order (tasks.py:30)" in lines
    assert "main@host: charge[t1] touches 5: acknowledgment" in lines


def test_a_fault_that_hit_no_worker_says_what_it_hit() -> None:
    kinds = ("kill-broker", "drop-connections", "broker-restarted", "network-cut", "script")
    faults = tuple(fault(kind, ms=ms, boot=None, task_id=None, point="") for ms, kind in enumerate(kinds))
    assert [
        "broker: kill-broker",
        "broker: drop-connections",
        "broker: broker-restarted",
        "network: network-cut",
        "test: script",
    ] == told(History(faults=faults, workers=(worker(),)))


@settings(max_examples=100)
@given(histories())
def test_any_history_can_be_told_in_order(happened: History) -> None:
    entries = journal(happened)
    assert sorted(entry.at_ns for entry in entries) == [entry.at_ns for entry in entries]
    published = [entry for entry in entries if entry.kind == "published"]
    assert len(happened.publications) == len(published)
    assert len(happened.faults) == sum(entry.kind == "fault" for entry in entries)
