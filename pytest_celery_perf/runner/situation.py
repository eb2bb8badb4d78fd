"""Looks around when the waiting is given up, so that somebody can say why it was in vain."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from pytest_celery_perf.broker import inspect
from pytest_celery_perf.collect.book import Book
from pytest_celery_perf.collect.draft import Draft
from pytest_celery_perf.errors import CeleryPerfError
from pytest_celery_perf.model.settings import masked
from pytest_celery_perf.model.situation import PendingTask, Situation, WorkerState
from pytest_celery_perf.model.units import NS_PER_S
from pytest_celery_perf.probe.stacks import STACK_SIGNAL, greenlet_heading, greenlets_path, stack_path
from pytest_celery_perf.runner.pool import Member, Pool
from pytest_celery_perf.runner.trial import Trial

LOG_LINES = 15
ANSWER_TIMEOUT_S = 10.0
"""How long the broker may take for an answer: on a busy machine seconds, and one that is frozen gives none."""
CLAIM_TIMEOUT_S = 1.0
"""Longer than a message is on its way from ``unacked`` to its worker's record."""
STACK_TIMEOUT_S = 10.0
"""How long all processes may take to write their stacks: on a busy machine seconds, and one that is frozen does not."""
SILENCE_S = 3.0
"""How long a process that has begun to write its stack may say nothing in between: it waits for a core."""
TASK_FRAME = f"{os.sep}probe{os.sep}attempt.py"
"""What a stack names where the worker enters a task's own function."""


def situation_of(trial: Trial, waited_s: float, *, on_commit_callbacks: int, rolled_back: int) -> Situation:
    """Gather what a diagnosis needs.

    Args:
        trial: The test whose tasks did not finish.
        waited_s: For how long they were waited for.
        on_commit_callbacks: How many functions wait for a commit in the test process.
        rolled_back: How many waited for one in a transaction that was rolled back.
    """
    # The broker first: what it says is held has been recorded by whoever holds it, or will be in a moment.
    told = _ask(trial)
    if unacked := told.unacked:
        trial.until(lambda: _all_claimed(unacked, trial) or None, CLAIM_TIMEOUT_S)
    book, history = trial.book, trial.records()
    until_s = time.monotonic() + STACK_TIMEOUT_S
    pending = (
        _pending(task_id, trial, told.unacked, until_s) for task_id in book.last_attempt if task_id in _open(book)
    )
    return Situation(
        waited_s=waited_s,
        published=len(book.last_attempt),
        unsent=_unsent(book),
        pending=tuple(pending),
        workers=tuple(_worker(member, trial) for member in trial.pool.members),
        queue_depths=told.depths,
        broker_answers=not told.error,
        broker_error=told.error,
        visibility_timeout_s=history.visibility_timeout_s,
        restore_delay_s=history.restore_delay_s,
        on_commit_callbacks=on_commit_callbacks,
        rolled_back=rolled_back,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Told:
    """What the broker says, all of it nothing where it does not answer."""

    depths: tuple[tuple[str, int], ...] = ()
    unacked: frozenset[str] | None = None
    error: str = ""


def _ask(trial: Trial) -> _Told:
    broker = trial.pool.broker
    queues = {publishing.queue for publishing in trial.book.publishing.values() if publishing.queue}
    if not broker.ping(ANSWER_TIMEOUT_S):  # which tries once, and kombu several times
        url = masked(trial.pool.probe.broker_url or "")
        return _Told(error=f"the broker does not answer at {url}")
    try:
        depths = inspect.queue_depths(trial.app, sorted(queues), ANSWER_TIMEOUT_S)
        held = inspect.unacked_ids(trial.app, ANSWER_TIMEOUT_S)
    except (CeleryPerfError, OSError) as failure:
        return _Told(error=str(failure))
    return _Told(depths=tuple(sorted(depths.items())), unacked=frozenset(message.task_id for message in held))


def _all_claimed(unacked: frozenset[str], trial: Trial) -> bool:
    """Tell whether a living worker has each of the messages, by the records, or has done with it by now."""
    book = trial.book
    for task_id in unacked & book.open:
        draft = _held(task_id, book)
        member = _member(trial.pool, draft.boot) if draft is not None else None
        if draft is None or member is None or (draft.pid and not member.worker.send_signal(draft.pid, 0)):
            return False
    return True


def _held(task_id: str, book: Book) -> Draft | None:
    """Return the execution of a task that a worker has, or had when it was last heard of."""
    draft = book.awaited(task_id)
    ended = draft is not None and draft.outcome is not None and draft.acknowledged_ns is not None
    return None if ended else draft  # whoever had it has it no longer


def _open(book: Book) -> set[str]:
    return book.open | book.unknown.keys()


def _unsent(book: Book) -> tuple[str, ...]:
    """Return the names of the tasks that the test process announced, and of which nobody has heard since.

    Of one that a worker announced nobody knows whether its publishing raised, or its process died.
    """
    heard_of = book.open | book.executions.keys() | book.discarded.keys() | {task_id for task_id, _ in book.confirmed}
    own = (key for key, publisher in book.publisher.items() if not publisher)
    return tuple(book.publishing[key].name for key in own if key[0] not in heard_of)


def _pending(task_id: str, trial: Trial, unacked: frozenset[str] | None, until_s: float) -> PendingTask:
    book, now_ns = trial.book, time.monotonic_ns()
    publishing = book.publishing.get((task_id, book.last_attempt[task_id]))
    awaited, draft = book.awaited(task_id), _held(task_id, book)
    ended = awaited is not None and awaited.outcome is not None
    received = draft.received if draft is not None else None
    unknown = book.unknown.get(task_id)
    started_ns = draft.started.ns if draft is not None and draft.started is not None else None
    member = _member(trial.pool, draft.boot) if draft is not None else None
    alive = None
    if draft is not None and draft.pid:
        # As the worker numbers its processes, which in a container is not as this machine does.
        alive = member is not None and member.worker.send_signal(draft.pid, 0)
    published_ns = publishing.ns if publishing is not None else now_ns
    eta_in_s = None
    if publishing is not None and publishing.waited_s and started_ns is None:
        eta_in_s = publishing.waited_s - (now_ns - publishing.ns) / NS_PER_S
    return PendingTask(
        task_id=task_id,
        name=publishing.name if publishing is not None else received.name if received is not None else "?",
        queue=publishing.queue if publishing is not None else received.queue if received is not None else None,
        published_ago_s=(now_ns - published_ns) / NS_PER_S,
        eta_in_s=eta_in_s if eta_in_s is not None and eta_in_s > 0 else None,
        retry=book.last_attempt[task_id] > 0,
        shortened=publishing is not None and (publishing.waited_s or 0) < (publishing.countdown_s or 0),
        worker=unknown.node if unknown is not None else member.worker.launch.node if member is not None else None,
        received_ago_s=None if received is None else (now_ns - received.ns) / NS_PER_S,
        behind=_behind(draft, book) if draft is not None and started_ns is None else None,
        pid=draft.pid if draft is not None else None,
        started_ago_s=None if started_ns is None else (now_ns - started_ns) / NS_PER_S,
        ended=ended,
        process_alive=alive,
        stack=_stack(draft.pid, task_id, member, until_s)
        if alive and member is not None and draft is not None and draft.pid
        else "",
        unacked=None if unacked is None else task_id in unacked,
    )


def _behind(draft: Draft, book: Book) -> int:
    """Count what the same worker received earlier and has not brought to an end."""
    return sum(
        other.boot == draft.boot and other.key[2] < draft.key[2] and other.outcome is None and other.requeued_ns is None
        for drafts in book.executions.values()
        for other in drafts.values()
    )


def _worker(member: Member, trial: Trial) -> WorkerState:
    info = trial.workers.get(member.boot)
    drafts: Iterable[Draft] = (draft for each in trial.book.executions.values() for draft in each.values())
    busy = sum(draft.boot == member.boot and draft.runs for draft in drafts)
    return WorkerState(
        name=member.worker.launch.node,
        queues=info.queues if info is not None else (),
        pool=info.pool if info is not None else "",
        alive=member.worker.alive,
        exit_status=member.worker.exit_status,
        log_tail=member.worker.log_tail(LOG_LINES),
        registered=info.registered if info is not None else frozenset(),
        busy=busy,
        concurrency=info.concurrency if info is not None else None,
    )


def _member(pool: Pool, boot: str) -> Member | None:
    # Of one that was replaced nothing is known but its death.
    return next((member for member in pool.members if member.boot == boot), None)


def _stack(pid: int, task_id: str, member: Member, until_s: float) -> str:
    """Ask a process where a task is in its code; empty if it cannot say, or not by a time of the monotonic clock."""
    spool = member.worker.launch.probe.spool
    path, greenlets = Path(stack_path(spool, pid)), Path(greenlets_path(spool, pid))
    if STACK_SIGNAL is None or not path.exists():
        return ""
    files = [file for file in (greenlets, path) if file.exists()]
    before = [file.stat().st_size for file in files]
    if not member.worker.send_signal(pid, STACK_SIGNAL):
        return ""
    # Greenlets are told of in one go, after the threads. Those are told line by line: of a process that had to wait for
    # a core meanwhile nobody sees where its answer ends, but that it goes as far as to a task.
    ends = ("", "") if len(files) > 1 else (TASK_FRAME,)
    lives = partial(member.worker.send_signal, pid, 0)
    *of_greenlets, of_threads = (
        _answer(file, size, end, lives, until_s) for file, size, end in zip(files, before, ends, strict=True)
    )
    return _of_task(of_greenlets[0], task_id) if any(of_greenlets) else _of_tasks(of_threads)


def _answer(path: Path, before: int, end: str, lives: Callable[[], bool], until_s: float) -> str:
    """Return what is written to a file from now on.

    Args:
        path: The file.
        before: Its size in bytes before somebody was asked to write.
        end: What it holds once nothing more of interest comes.
        lives: Whether who was asked is still there.
        until_s: When to give up waiting, on the monotonic clock.
    """
    told, since_s = "", time.monotonic()
    while True:
        time.sleep(0.005)
        alive, now_s = lives(), time.monotonic()
        last, told = told, _since(path, before)
        if last != told:
            since_s = now_s
        whole = last == told != "" and (end in told or now_s - since_s > SILENCE_S)
        if whole or not alive or now_s > until_s:
            return told.strip()


def _since(path: Path, size: int) -> str:
    with path.open(errors="replace") as file:
        file.seek(size)
        return file.read()


def _of_tasks(stacks: str) -> str:
    """Leave out the threads that run no task, and of the others what called the task."""
    threads = stacks.split("\n\n")
    told = [_inside(stack) for stack in threads if TASK_FRAME in stack]
    if not told and "gevent" in stacks:
        return ""  # a greenlet that waits is on no thread
    return "\n\n".join(told) or stacks


def _of_task(greenlets: str, task_id: str) -> str:
    """Leave out the greenlets of other tasks; the task's own comes before those that it has spawned."""
    told = [stack for stack in greenlets.split("\n\n") if stack.startswith(greenlet_heading(task_id))]
    return "\n\n".join(_inside(stack) for stack in sorted(told, key=lambda stack: TASK_FRAME not in stack))


def _inside(stack: str) -> str:
    """Leave out what called the task."""
    inner, found, _ = stack.partition(TASK_FRAME)
    return inner.rpartition("\n")[0] if found else stack
