"""What happened in one test: all that was recorded, and where the broker had its messages."""

from __future__ import annotations

from dataclasses import dataclass, field

from pytest_celery_perf.model.faults import Fault
from pytest_celery_perf.model.record import Execution, Point, Publication, TaskOptions, WorkerInfo
from pytest_celery_perf.model.samples import BrokerUse, WorkerSamples


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """Where the broker had the messages of a test's tasks at one moment."""

    at_ns: int
    reason: str
    """What had just happened: the kinds of the faults, or ``the end``."""
    queues: tuple[tuple[str, tuple[str, ...]], ...] = ()
    """(queue, ids of the tasks whose messages wait in it, the next one first); an empty queue is left out."""
    unacked: tuple[str, ...] = ()
    """Ids of the tasks whose messages a worker had taken and not acknowledged, in the order of taking."""
    scheduled: tuple[str, ...] = ()
    """Those of ``unacked`` that a worker only holds until their ETA, which was still to come."""
    error: str = ""
    """Why nobody knows: the broker did not answer."""

    def queue_of(self, task_id: str) -> str | None:
        """The queue in which a task's message waited."""
        return next((queue for queue, ids in self.queues if task_id in ids), None)

    def holds(self, task_id: str) -> bool:
        """Whether the broker had a message of the task at all."""
        return task_id in self.unacked or self.queue_of(task_id) is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """Everything recorded about the tasks of one test (or of one ``run`` in it)."""

    publications: tuple[Publication, ...] = ()
    executions: tuple[Execution, ...] = ()
    """In order of receipt."""
    tasks: dict[str, TaskOptions] = field(default_factory=dict)
    """By name; as the worker that ran them holds them."""
    workers: tuple[WorkerInfo, ...] = ()
    faults: tuple[Fault, ...] = ()
    points: tuple[Point, ...] = ()
    """Where the executions touched the outside world, if that was asked for: one execution after the other."""
    snapshots: tuple[Snapshot, ...] = ()
    """Of the broker, after each fault and at the end; in a test in which nothing went wrong, none."""
    states: dict[str, str] = field(default_factory=dict)
    """Task id to its state in the app's result backend at the end; empty where nobody asked, or nothing is stored."""
    sizes: dict[str, int] = field(default_factory=dict)
    """Of a test that ran once for each size of its data: that size, by the id of the task with which all began."""
    problems: tuple[str, ...] = ()
    """What went wrong inside the probe: reported, never raised in the task."""
    unfinished: frozenset[str] = frozenset()
    """Ids of published tasks that had not reached a final end when waiting stopped."""
    stuck_unacked: tuple[str, ...] = ()
    """Ids of tasks of this test whose message still sat in ``unacked`` at the end."""
    samples: tuple[WorkerSamples, ...] = ()
    """What the workers used over time, if that was asked for."""
    broker: BrokerUse | None = None
    """What the test did to its Redis, if that was asked for."""
    diagnosis: str = ""
    """Why ``unfinished`` is not empty."""

    @property
    def end(self) -> Snapshot | None:
        """The last snapshot, if the broker answered then."""
        return self.snapshots[-1] if self.snapshots and not self.snapshots[-1].error else None

    @property
    def sweeper(self) -> WorkerInfo | None:
        """The worker that is the first to have delivered again what any of them holds: their messages lie together."""
        return min(self.workers, key=lambda each: (each.visibility_timeout_s, each.restore_delay_s), default=None)

    @property
    def visibility_timeout_s(self) -> float | None:
        """The shortest visibility timeout of its workers; None where none has been ready."""
        return None if self.sweeper is None else self.sweeper.visibility_timeout_s

    @property
    def restore_delay_s(self) -> float:
        """What production adds to the visibility timeout until a worker looks for messages, at most."""
        return 0.0 if self.sweeper is None else self.sweeper.restore_delay_s

    def named(self, task: str | None) -> tuple[Execution, ...]:
        """The executions of one task, or all for ``None``."""
        return self.executions if task is None else tuple(e for e in self.executions if e.name == task)
