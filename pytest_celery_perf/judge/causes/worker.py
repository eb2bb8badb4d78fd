"""A worker has it, or had it: causes in the worker."""

from __future__ import annotations

import signal
from collections.abc import Iterator, Sequence

from pytest_celery_perf.judge.causes.base import Cause
from pytest_celery_perf.judge.causes.redelivery import redelivery
from pytest_celery_perf.judge.phrases import count, load, who
from pytest_celery_perf.model.situation import PendingTask, Situation, WorkerState
from pytest_celery_perf.model.units import format_duration_s

_NATIVE_CRASHES = {"SIGABRT", "SIGBUS", "SIGFPE", "SIGILL", "SIGSEGV"}


def _dead_worker(task: PendingTask, situation: Situation) -> WorkerState | None:
    """The dead worker that the task was with or, if no living one may fetch it, waits for."""
    candidates = situation.consumers(task.queue)
    if task.worker is not None:
        holder = situation.holder(task)
        candidates = (holder,) if holder else ()
    return None if any(worker.alive for worker in candidates) else next(iter(candidates), None)


def _orphaned(task: PendingTask, situation: Situation) -> str | None:
    worker = _dead_worker(task, situation)
    return worker.name if worker else None


def _tell_orphaned(tasks: Sequence[PendingTask], situation: Situation) -> Iterator[str]:
    worker = _dead_worker(tasks[0], situation)
    if worker is None:  # never, since `_orphaned` found it
        return
    death, advice = _death(worker.exit_status)
    yield f"The worker {worker.name} died: {death}."
    began = [task for task in tasks if task.started]
    waiting = [task for task in tasks if not task.started]
    if began:
        yield f"It was running {who(began)}."
    if waiting:
        yield f"{count(len(waiting), 'task', 'waits', 'wait')} for it: {who(waiting)}."
    held = [task for task in tasks if task.unacked and task.worker is not None]
    gone = [task for task in began if task.unacked is False]
    if held:
        yield f"{count(len(held), 'message', 'is', 'are')} still in unacked."
        yield from redelivery(held, situation)
    if gone:
        lost = "1 message was acknowledged" if len(gone) == 1 else f"{len(gone)} messages were acknowledged"
        yield f"{lost} before the end: no worker will run that again."
    if worker.log_tail:
        yield "Its last lines:"
        yield from (f"  | {line}" for line in worker.log_tail)
    yield f"try: {advice}"
    if held:
        yield 'try: celery_faults.kill_worker() and celery_recovery(kill="worker") bring that moment forward.'
    if gone:
        yield "try: acks_late=True on the task keeps its message until its end."


def _death(status: int | None) -> tuple[str, str]:
    """How a worker died, and what to try."""
    by_hand = "start it by hand with the same options; celery_perf_logs=DIRECTORY keeps its whole log."
    name = None if status is None else _signal(status)
    if name is None:
        return ("nobody knows how" if status is None else f"exit status {status}"), by_hand
    if name == "SIGKILL":
        return f"killed by {name}", (
            "unless the test killed it, the system did, mostly for want of memory: see the kernel's log, lower -c."
        )
    if name in _NATIVE_CRASHES:
        return f"killed by {name}", "native code crashed; does it with celery_perf_start=cold, too?"
    return f"killed by {name}", by_hand


def _signal(status: int) -> str | None:
    # A shell and Docker say 128 + n where a parent process sees -n.
    number = -status if status < 0 else status - 128
    try:
        return signal.Signals(number).name
    except ValueError:
        return None


def _stalled(task: PendingTask, situation: Situation) -> str | None:
    worker = situation.holder(task)
    return worker.name if worker and not task.started and situation.stalled(worker) else None


def _tell_stalled(tasks: Sequence[PendingTask], situation: Situation) -> Iterator[str]:
    """Tell of a worker that runs nothing.

    Source:
        ``_event_process_exit`` and ``timers`` in celery/concurrency/asynpool.py: a worker looks for children that have
        ended when an end of a pipe closes, which may be too early, and then only every 5 s.
    """
    yield f"{count(len(tasks), 'task', 'waits', 'wait')} in {tasks[0].worker} for a child process: {who(tasks)}."
    worker = situation.holder(tasks[0])
    if worker:
        yield f"{load(worker)}: its child is being replaced, or has not come up."
    yield "try: where --max-memory-per-child or --max-tasks-per-child replaces a child after each task, the next one"
    yield "     waits for the new child, up to 5 s: raise them, or let celery_perf_timeout wait longer;"
    yield "     or does a rate_limit on the task hold it back?"


def _prefetched(task: PendingTask, _situation: Situation) -> str | None:
    return task.worker if task.behind and not task.started else None


def _tell_prefetched(tasks: Sequence[PendingTask], situation: Situation) -> Iterator[str]:
    behind = max(task.behind or 0 for task in tasks)
    others = "1 other" if behind == 1 else f"{behind} others"
    worker = situation.holder(tasks[0])
    if len(tasks) == 1:
        yield f"{who(tasks)} is prefetched: {tasks[0].worker} holds it behind {others}."
    else:
        yield f"{len(tasks)} tasks are prefetched by {tasks[0].worker}, the last one behind {others}:"
        yield f"{who(tasks)}."
    if worker:
        yield f"{load(worker)}."
    yield "try: prefetch=1 and -O fair leave tasks to a worker that is free; -c makes this one run more;"
    yield "     celery_perf_timeout waits longer."


def _running(task: PendingTask, _situation: Situation) -> str | None:
    # By name: each name hangs in a place of its own, and the stack shows it.
    return task.name if task.running else None


def _tell_running(tasks: Sequence[PendingTask], _situation: Situation) -> Iterator[str]:
    longest = max(tasks, key=lambda task: task.started_ago_s or 0.0)
    since = format_duration_s(longest.started_ago_s or 0.0)
    where = f"process {longest.pid} of {longest.worker}"
    if len(tasks) == 1:
        yield f"{who(tasks)} still runs, for {since} now, in {where}."
    else:
        yield f"{len(tasks)} tasks {longest.name} still run."
        yield f"One does for {since} now, in {where}: {longest.task_id}."
    if longest.stack:
        yield "It is here:"
        yield from (f"  {line}" for line in longest.stack.splitlines())
    yield "try: if it is only slow, celery_perf_timeout or run(..., timeout=) waits longer;"
    yield "     if it hangs, a time_limit on the task ends it."


def _idle(task: PendingTask, _situation: Situation) -> str | None:
    return task.worker if not task.started else None


def _tell_idle(tasks: Sequence[PendingTask], situation: Situation) -> Iterator[str]:
    since = format_duration_s(max(task.received_ago_s or 0.0 for task in tasks))
    received = count(len(tasks), "task", "was", "were")
    yield f"{received} received by {tasks[0].worker}, up to {since} ago, and never started, with nothing ahead:"
    yield f"{who(tasks)}."
    worker = situation.holder(tasks[0])
    if worker:
        yield f"{load(worker)}."
    yield "try: does a rate_limit on the task hold it back, or a pool that has no free process?"


STALLED = Cause(fits=_stalled, tell=_tell_stalled)
DEAD_WORKER = Cause(fits=_orphaned, tell=_tell_orphaned)
PREFETCHED = Cause(fits=_prefetched, tell=_tell_prefetched)
RUNNING = Cause(fits=_running, tell=_tell_running)
IDLE = Cause(fits=_idle, tell=_tell_idle)
