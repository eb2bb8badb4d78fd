"""How things stand when the waiting is given up: what a diagnosis is made of.

Ages are seconds before that moment, so that nobody needs the clock again.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class PendingTask:
    """A published task that has not come to its end, as its latest attempt stands. What is not known is None."""

    task_id: str
    name: str
    queue: str | None
    published_ago_s: float
    eta_in_s: float | None = None
    """Seconds until the time before which it must not start."""
    retry: bool = False
    """Whether it is to be tried again, rather than for the first time."""
    shortened: bool = False
    """Whether it waits less long for that time than the app asked for."""
    worker: str | None = None
    """The node that received it last; None where that start of the node has been replaced."""
    received_ago_s: float | None = None
    behind: int | None = None
    """How many tasks that worker received earlier and has not finished."""
    pid: int | None = None
    """The process that began to run it."""
    started_ago_s: float | None = None
    ended: bool = False
    """Whether an execution of it has ended: what is waited for is an acknowledgment, or another delivery."""
    process_alive: bool | None = None
    """Whether that process still exists."""
    stack: str = ""
    """Where it is in the code, if the platform can tell, as a traceback prints it."""
    unacked: bool | None = None
    """Whether its message sits in the broker's ``unacked``; None where the broker cannot be asked."""

    @property
    def started(self) -> bool:
        """Whether a process began to run it."""
        return self.started_ago_s is not None

    @property
    def running(self) -> bool:
        """Whether a process runs it, for all that is known."""
        return self.started and not self.ended and self.process_alive is not False


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerState:
    """A worker of the topology."""

    name: str
    """The node name, such as ``execution@host``."""
    queues: tuple[str, ...]
    pool: str = ""
    """As in `WorkerInfo`; empty where it never said."""
    alive: bool = True
    exit_status: int | None = None
    """Of a dead one; negative: the signal that ended it."""
    log_tail: tuple[str, ...] = ()
    """Its last lines."""
    registered: frozenset[str] = frozenset()
    """The names of the tasks that it knows; empty where it never said."""
    busy: int = 0
    """How many tasks it runs."""
    concurrency: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """Everything that the diagnosis of unfinished tasks may look at."""

    waited_s: float
    published: int
    """How many tasks were published at all, those included whose publishing failed."""
    unsent: tuple[str, ...] = ()
    """The names of the tasks whose publishing failed."""
    pending: tuple[PendingTask, ...] = ()
    """In order of publishing."""
    workers: tuple[WorkerState, ...] = ()
    queue_depths: tuple[tuple[str, int], ...] = ()
    """(queue, messages that wait in it); empty where the broker cannot be asked."""
    broker_answers: bool = True
    broker_error: str = ""
    visibility_timeout_s: float | None = None
    """The shortest that any of the workers has."""
    restore_delay_s: float = 0.0
    """How long after it that worker may come to look for messages."""
    on_commit_callbacks: int = 0
    """How many functions wait for the commit of a transaction that the test holds open."""
    rolled_back: int = 0
    """How many waited for the commit of a transaction that was rolled back instead."""

    def depth(self, queue: str | None) -> int | None:
        """How many messages wait in a queue; None where nobody knows."""
        return dict(self.queue_depths).get(queue or "")

    def consumers(self, queue: str | None) -> tuple[WorkerState, ...]:
        """The workers, living and dead, that consume a queue."""
        return tuple(worker for worker in self.workers if queue in worker.queues)

    def stalled(self, worker: WorkerState) -> bool:
        """Whether a worker holds tasks that are due, and none of its child processes runs anything."""
        due = (task.worker == worker.name and not task.started and (task.eta_in_s or 0) <= 0 for task in self.pending)
        return worker.alive and worker.pool == "prefork" and worker.busy == 0 and any(due)

    def holder(self, task: PendingTask) -> WorkerState | None:
        """The worker that received a task."""
        return next((worker for worker in self.workers if worker.name == task.worker), None)
