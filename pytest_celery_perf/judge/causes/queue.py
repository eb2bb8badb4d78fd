"""No worker received it: causes between the broker and the workers of a queue."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from pytest_celery_perf.judge.causes.base import Cause
from pytest_celery_perf.judge.phrases import closest, count, join, load, quoted, who
from pytest_celery_perf.model.situation import PendingTask, Situation, WorkerState

_NAMES = 6
"""How many registered tasks are listed."""


def _unconsumed(task: PendingTask, situation: Situation) -> str | None:
    return task.queue if task.worker is None and not situation.consumers(task.queue) else None


def _tell_unconsumed(tasks: Sequence[PendingTask], situation: Situation) -> Iterator[str]:
    queue = str(tasks[0].queue)
    waiting = count(len(tasks), "task", "waits", "wait")
    yield f"No worker consumes the queue {quoted(queue)}, where {waiting}:"
    yield f"{who(tasks)}."
    consumed = [f"{join(map(quoted, worker.queues))} by {worker.name}" for worker in situation.workers]
    yield f"Consumed are {', '.join(consumed)}." if consumed else "There is no worker at all."
    near = closest(queue, [name for worker in situation.workers for name in worker.queues])
    if near:
        yield f"try: is {quoted(near)} meant? See task_routes, the task's queue= and the call's."
    if queue == "celery":
        yield 'try: "celery" is the default queue, so no route matches the task: see task_routes, task_default_queue.'
    yield f"try: {'or ' if near else ''}let a worker consume it, with a line in celery_perf_workers:"
    yield f"       {queue}: -Q {queue} -c 2"


def _ignorant(task: PendingTask, situation: Situation) -> list[WorkerState]:
    """The workers that would throw the task away."""
    holder = situation.holder(task)
    candidates = (holder,) if holder else situation.consumers(task.queue)
    told = [worker for worker in candidates if worker.alive and worker.registered]
    return [worker for worker in told if task.name not in worker.registered]


def _unregistered(task: PendingTask, situation: Situation) -> str | None:
    ignorant = _ignorant(task, situation)
    # Where another worker of the queue knows it, the task may as well just wait for that one.
    everybody = len(ignorant) == len(situation.consumers(task.queue))
    certain = task.worker is not None or everybody or situation.depth(task.queue) == 0
    return task.name if ignorant and certain else None


def _tell_unregistered(tasks: Sequence[PendingTask], situation: Situation) -> Iterator[str]:
    name = tasks[0].name
    workers = _ignorant(tasks[0], situation)
    know = "does not know" if len(workers) == 1 else "do not know"
    ids = tasks[0].task_id if len(tasks) == 1 else f"{len(tasks)} of them, for example {tasks[0].task_id}"
    yield f"{join(worker.name for worker in workers)} {know} the task {quoted(name)} ({ids})."
    yield 'A worker throws away what it does not know ("Received unregistered task" in its log).'
    everything = frozenset[str]().union(*(worker.registered for worker in workers))
    known = sorted(other for other in everything if not other.startswith("celery."))
    near = closest(name, known)
    if near:
        yield f"try: is {quoted(near)} meant?"
    elif known:
        more = [f"{len(known) - _NAMES} more"] if len(known) > _NAMES else []
        yield f"Known are {join([*known[:_NAMES], *more])}."
    yield "try: does the worker import its module? autodiscover_tasks() looks for tasks.py in INSTALLED_APPS;"
    yield "     other modules belong in the app's imports."


def _unreachable(task: PendingTask, situation: Situation) -> str | None:
    if situation.broker_answers or task.running:
        return None
    holder = situation.holder(task)
    # What its own worker's death has cut off waits for more than the broker.
    return "broker" if holder is None or holder.alive else None


def _tell_unreachable(tasks: Sequence[PendingTask], situation: Situation) -> Iterator[str]:
    yield silence(situation)
    yield f"{count(len(tasks), 'task', 'waits', 'wait')} for it: {who(tasks)}."
    yield "try: the header of the test run names the broker; does it run, and can it be reached from here?"


def silence(situation: Situation) -> str:
    """Say of a broker that it does not answer."""
    says = "the broker does not answer"
    error = situation.broker_error.rstrip(".")
    if not error.startswith(says):
        error = f"{says}: {error}" if error else says
    return f"{error[0].upper()}{error[1:]}."


def _queued(task: PendingTask, situation: Situation) -> str | None:
    return task.queue if task.worker is None and situation.depth(task.queue) else None


def _tell_queued(tasks: Sequence[PendingTask], situation: Situation) -> Iterator[str]:
    queue = tasks[0].queue
    depth = count(situation.depth(queue) or 0, "message", "waits", "wait")
    yield f"{count(len(tasks), 'task', 'is', 'are')} still in the queue {quoted(str(queue))}:"
    yield f"{who(tasks)}."
    alive = [worker for worker in situation.consumers(queue) if worker.alive]
    yield f"{depth} there, and {join(map(load, alive))}."
    if alive and all(map(situation.stalled, alive)):
        yield "They wait for what the tasks there wait for: a child process."
        return
    yield "try: more concurrency for that worker (-c), fewer tasks in the test, or a longer celery_perf_timeout."


UNCONSUMED = Cause(fits=_unconsumed, tell=_tell_unconsumed)
UNREGISTERED = Cause(fits=_unregistered, tell=_tell_unregistered)
UNREACHABLE = Cause(fits=_unreachable, tell=_tell_unreachable)
QUEUED = Cause(fits=_queued, tell=_tell_queued)
