"""Histories that nobody would think of, for what must hold of all of them."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from pytest_celery_perf.model.faults import Fault
from pytest_celery_perf.model.history import History, Snapshot
from pytest_celery_perf.model.record import Execution, Outcome, Publication
from tests.unit.histories import BOOT, at, error, execution, fault, publication, worker

IDS = ("t1", "t2", "t3")
BOOTS = (BOOT, "boot-2")
PIDS = (811, 812)
QUEUES = ("celery", "nowhere")
KINDS = (
    "kill-child",
    "kill-worker",
    "kill-broker",
    "worker-died",
    "worker-ended",
    "process-gone",
    "worker-restarted",
    "restored",
    "vanished",
    "raise",
)

_moment = st.integers(min_value=0, max_value=60)
_ids = st.sampled_from(IDS)
_subset = st.lists(_ids, unique=True).map(tuple)


def _maybe(strategy: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.none() | strategy


@st.composite
def publications(draw: st.DrawFn) -> Publication:
    """Draw a message, sent or not, taken or thrown away."""
    return publication(
        draw(_ids),
        ms=draw(_moment),
        retries=draw(st.integers(0, 2)),
        queue=draw(st.sampled_from(QUEUES)),
        confirmed=draw(st.booleans()),
        discarded=draw(_maybe(st.sampled_from([Outcome.REVOKED, Outcome.REJECTED]))),
    )


@st.composite
def executions(draw: st.DrawFn) -> Execution:
    """Draw a delivery that got anywhere, in any order."""
    received, started = draw(_moment), draw(_maybe(_moment))
    outcome = draw(_maybe(st.sampled_from(Outcome)))
    ended = started is not None and outcome not in (None, Outcome.LOST)
    end_ns = at(started + draw(_moment)) if ended and started is not None else None
    return execution(
        draw(_ids),
        received=received,
        started=started,
        pid=draw(st.sampled_from(PIDS)) if started is not None else None,
        boot=draw(st.sampled_from(BOOTS)),
        pool=draw(st.sampled_from(["prefork", "threads", "solo", "gevent"])),
        retries=draw(st.integers(0, 2)),
        delivery=draw(st.integers(1, 3)),
        redelivered=draw(st.booleans()),
        body_ended_ns=end_ns,
        ended_ns=end_ns,
        acknowledged_ns=draw(_maybe(_moment.map(at))),
        requeued_ns=draw(_maybe(_moment.map(at))),
        outcome=outcome,
        error=draw(_maybe(st.just(error()))),
        unstored=draw(_maybe(st.just(error()))),
    )


@st.composite
def faults(draw: st.DrawFn) -> Fault:
    """Draw a fault, or what followed from one."""
    return fault(
        draw(st.sampled_from(KINDS)),
        ms=draw(_moment),
        task_id=draw(_maybe(_ids)),
        pid=draw(_maybe(st.sampled_from(PIDS))),
        boot=draw(_maybe(st.sampled_from(BOOTS))),
    )


@st.composite
def snapshots(draw: st.DrawFn) -> Snapshot:
    """Draw what the broker held at some moment."""
    unacked = draw(_subset)
    return Snapshot(
        at_ns=at(draw(_moment)),
        reason="the end",
        queues=tuple((queue, ids) for queue in QUEUES if (ids := draw(_subset))),
        unacked=unacked,
        scheduled=unacked[: draw(st.integers(0, len(unacked)))],
        error=draw(st.sampled_from(["", "", "the broker does not answer"])),
    )


@st.composite
def histories(draw: st.DrawFn) -> History:
    """Draw a history of a few tasks, consistent or not: what is recorded in a disaster need not be."""
    seen = draw(st.lists(snapshots(), max_size=2))
    return History(
        publications=tuple(draw(st.lists(publications(), max_size=6))),
        executions=tuple(sorted(draw(st.lists(executions(), max_size=8)), key=lambda each: each.received_ns or 0)),
        faults=tuple(sorted(draw(st.lists(faults(), max_size=4)), key=lambda each: each.at_ns)),
        workers=tuple(worker(boot) for boot in BOOTS),
        snapshots=tuple(seen),
        stuck_unacked=seen[-1].unacked if seen else (),
        unfinished=frozenset(draw(_subset)),
    )
