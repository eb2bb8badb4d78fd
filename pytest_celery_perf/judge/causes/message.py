"""Nobody works on it, and nobody is to blame: causes in the message."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from pytest_celery_perf.judge.causes.base import Cause
from pytest_celery_perf.judge.causes.redelivery import redelivery
from pytest_celery_perf.judge.phrases import count, quoted, who
from pytest_celery_perf.model.situation import PendingTask, Situation
from pytest_celery_perf.model.units import format_duration_s


def _scheduled(task: PendingTask, _situation: Situation) -> str | None:
    if task.started or (task.eta_in_s or 0) <= 0:
        return None
    return "shortened" if task.shortened else "retry" if task.retry else "call"


def _tell_scheduled(tasks: Sequence[PendingTask], situation: Situation) -> Iterator[str]:
    etas = sorted(task.eta_in_s or 0.0 for task in tasks)
    if len(tasks) == 1:
        yield f"{who(tasks)} waits for its ETA: it may start in {format_duration_s(etas[0])}."
    else:
        when = f"the first may start in {format_duration_s(etas[0])}, the last in {format_duration_s(etas[-1])}"
        yield f"{len(tasks)} tasks wait for their ETA, {when}:"
        yield f"{who(tasks)}."
    limit = situation.visibility_timeout_s
    if limit is not None and etas[-1] >= limit:
        # Source: celery's docs/getting-started/backends-and-brokers/redis.rst, "Visibility timeout"; celery#2481.
        yield f"That is beyond the visibility timeout ({format_duration_s(limit)}): Redis will deliver it twice."
    yield from _for_scheduled(tasks[0])


def _for_scheduled(task: PendingTask) -> Iterator[str]:
    if task.shortened:
        yield "try: a smaller celery_perf_time_scale, by which that wait was shortened already, or a longer"
        yield "     celery_perf_timeout."
    elif task.retry:
        yield "try: @pytest.mark.celery_retries(...) on the test shortens the countdowns of retries by"
        yield "     celery_perf_time_scale, and judges those that were asked for; celery_perf_timeout waits longer."
    else:
        yield "try: a shorter countdown= or eta= in the test, or a longer celery_perf_timeout (in a test with"
        yield "     celery_retries, celery_perf_time_scale shortens it)."


def _held(task: PendingTask, _situation: Situation) -> str | None:
    # A worker that has received it, and not started it, holds it too, but rightly.
    abandoned = task.process_alive is False or (task.worker is None and not task.running)
    return "held" if task.unacked and abandoned else None


def _tell_held(tasks: Sequence[PendingTask], situation: Situation) -> Iterator[str]:
    yield f"{count(len(tasks), 'task', 'is', 'are')} held unacknowledged by a worker that is not there:"
    yield f"{who(tasks)}."
    dead = next((task for task in tasks if task.process_alive is False), None)
    if dead:
        yield f"Process {dead.pid} began to run {dead.name}[{dead.task_id}] and is gone."
    yield from redelivery(tasks, situation)
    yield "try: if the test kills a worker, celery_recovery(kill=...) brings that moment forward;"
    yield "     reject_on_worker_lost=True gives a task back at once when only its child process dies."


def _unheard(task: PendingTask, _situation: Situation) -> str | None:
    return task.worker if task.ended and task.started and task.unacked else None


def _tell_unheard(tasks: Sequence[PendingTask], situation: Situation) -> Iterator[str]:
    yield f"{count(len(tasks), 'task', 'has', 'have')} ended, and {tasks[0].worker} has not acknowledged that:"
    yield f"{who(tasks)}."
    yield from redelivery(tasks, situation)
    yield "try: what a worker runs while its connection breaks runs again: make the task idempotent, see"
    yield "     celery_idempotent; celery_perf_timeout waits longer than the worker takes to come back."


def _lost(task: PendingTask, _situation: Situation) -> str | None:
    return "lost" if task.process_alive is False and task.unacked is False and not task.ended else None


def _tell_lost(tasks: Sequence[PendingTask], _situation: Situation) -> Iterator[str]:
    yield f"{count(len(tasks), 'task', 'is', 'are')} lost:"
    yield f"{who(tasks)}."
    if len(tasks) == 1:
        yield f"It was acknowledged, then process {tasks[0].pid} died with it; no worker will run it again."
    else:
        yield "They were acknowledged, then their processes died with them; no worker will run them again."
    yield "try: acks_late=True on the task, and reject_on_worker_lost=True for when only its child process dies."


def _missing(_task: PendingTask, _situation: Situation) -> str | None:
    return "missing"


def _tell_missing(tasks: Sequence[PendingTask], _situation: Situation) -> Iterator[str]:
    first = tasks[0]
    yield f"Nobody knows what became of {'1 task' if len(tasks) == 1 else f'{len(tasks)} tasks'}:"
    yield f"{who(tasks)}."
    queue = f" to the queue {quoted(first.queue)}" if first.queue else ""
    fate = f"process {first.pid} began to run it, and is gone" if first.started else "no worker received it"
    if first.ended:
        fate = "it has ended once, and its message came back after that"
    yield f"Published {format_duration_s(first.published_ago_s)} ago{queue}; {fate}."
    yield "try: look for its id in the workers' logs (celery_perf_logs=DIRECTORY keeps them): was it revoked,"
    yield "     or had it expired?"


SCHEDULED = Cause(fits=_scheduled, tell=_tell_scheduled)
UNHEARD = Cause(fits=_unheard, tell=_tell_unheard)
HELD = Cause(fits=_held, tell=_tell_held)
LOST = Cause(fits=_lost, tell=_tell_lost)
MISSING = Cause(fits=_missing, tell=_tell_missing)
