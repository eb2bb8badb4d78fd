"""What became of each task: its publications and executions put together, and its final state."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from pytest_celery_perf.model.history import History
from pytest_celery_perf.model.record import Execution, Outcome, Publication


class Fate(StrEnum):
    """How a task stood when the waiting was over; each task has exactly one."""

    SUCCEEDED = "succeeded"
    FAILED = "failed"
    IGNORED = "ignored"
    REJECTED = "rejected"
    REVOKED = "revoked"
    LOST = "lost"
    """It will never end: the process that ran it is gone and its message has left the broker."""
    UNFINISHED = "unfinished"
    """It might still end: queued, delayed, held unacknowledged, running, or waiting for a retry."""


FAILING = (Fate.FAILED, Fate.REJECTED, Fate.REVOKED)
"""The fates of tasks that came to an end without having done their work: those of the class ``failed``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Life:
    """Everything recorded about one task id."""

    task_id: str
    name: str
    publications: tuple[Publication, ...]
    """In order of publishing; more than one where it was retried."""
    executions: tuple[Execution, ...]
    """In order of receipt."""
    fate: Fate
    concluding: Execution | None
    """The execution whose end is the task's end; None where it has none."""

    @property
    def label(self) -> str:
        """The name with the beginning of the id: ``shop.tasks.charge[3f2a91c0]``."""
        return f"{self.name}[{self.task_id[:8]}]"

    @property
    def sent(self) -> bool:
        """Whether it was certainly sent: one of its publishes returned, or a worker received it."""
        return bool(self.executions) or any(publication.confirmed for publication in self.publications)

    @property
    def expired(self) -> bool:
        """Whether a worker threw its message away because that had expired."""
        return any(publication.expired for publication in self.publications)

    @property
    def cut_short(self) -> Execution | None:
        """The execution of a revoked task that had begun, and did not come to an end of its own."""
        begun = (each for each in reversed(self.started) if each.outcome in (None, Outcome.REVOKED))
        return next(begun, None) if self.fate is Fate.REVOKED else None

    @property
    def started(self) -> tuple[Execution, ...]:
        """The executions that a process began to run."""
        return tuple(each for each in self.executions if each.started and not _is_repeat(each))

    @property
    def attempts(self) -> int:
        """How many attempts were begun, the first included, each counted once however often it was delivered."""
        return len({execution.retries for execution in self.started})

    def publication_of(self, execution: Execution) -> Publication | None:
        """Return the message that the execution was a delivery of."""
        return next((p for p in reversed(self.publications) if p.retries == execution.retries), None)


def lives(history: History) -> tuple[Life, ...]:
    """Put the records of each task together, in the order in which the tasks were first seen.

    Left out is a message whose publishing failed and which nobody received: whether it was
    ever sent is unknown, so it is neither lost nor unfinished.

    The fate of a task is, in this order:

    1. that of the execution which was the last to *conclude* it: to succeed, fail, be ignored,
       revoked or rejected without being put back into the queue;
    2. that of its message, if a worker threw it away: ``revoked`` (or expired), or ``rejected``
       as unknown to the worker;
    3. ``lost`` if the process of the execution received last is gone and the broker will not
       deliver the message again: it was acknowledged, or its worker reported the loss without
       putting it back; or if the message has vanished since: nobody has it any more;
    4. ``unfinished``.
    """
    return tuple(life for life in all_lives(history) if life.sent)


def went_astray(life: Life) -> bool:
    """Tell whether a task's message was lost on its way to a worker, which had not noted it in unacked yet."""
    return life.fate is Fate.LOST and not life.executions


def all_lives(history: History) -> tuple[Life, ...]:
    """Put the records of each task together, as `lives` does, and leave nothing out."""
    publications: dict[str, list[Publication]] = {}
    executions: dict[str, list[Execution]] = {}
    for execution in history.executions:
        executions.setdefault(execution.task_id, []).append(execution)
    for publication in sorted(history.publications, key=lambda publication: publication.published_ns):
        publications.setdefault(publication.task_id, []).append(publication)
    deaths = Deaths.of(history)
    return tuple(
        _life(task_id, publications.get(task_id, []), executions.get(task_id, []), deaths)
        for task_id in dict.fromkeys([*publications, *executions])
    )


def _life(task_id: str, publications: list[Publication], executions: list[Execution], deaths: Deaths) -> Life:
    concluded = [execution for execution in executions if _concludes(execution)]
    concluding = max(concluded, key=lambda each: (not _is_repeat(each), each.ended_ns or 0)) if concluded else None
    decided = concluding.outcome if concluding else next((p.discarded for p in publications if p.discarded), None)
    if decided:
        fate = Fate.SUCCEEDED if decided is Outcome.DEDUPLICATED else Fate(decided.value)
    else:
        attempt = executions[-1].retries if executions else -1
        goes_on = any(each.retries > attempt and each.confirmed for each in publications)
        fate = Fate.LOST if deaths.lost(task_id, executions, goes_on=goes_on) else Fate.UNFINISHED
    return Life(
        task_id=task_id,
        name=(publications or executions)[0].name,
        publications=tuple(publications),
        executions=tuple(executions),
        fate=fate,
        concluding=concluding,
    )


def _concludes(execution: Execution) -> bool:
    """Tell whether the task has come to an end of its own by it, so that the broker forgets it."""
    undecided = execution.outcome in (None, Outcome.RETRIED, Outcome.LOST)
    return not undecided and not execution.put_back


def _is_repeat(execution: Execution) -> bool:
    """Tell whether an earlier execution had ended the task already."""
    return execution.outcome is Outcome.DEDUPLICATED


_ENDS_A_WORKER = ("kill-worker", "worker-died", "worker-ended")


@dataclass(frozen=True, slots=True, kw_only=True)
class Deaths:
    """When which process died."""

    processes: list[tuple[int, str | None, int | None]]
    """(time, boot, pid) of each death of a pool process."""
    workers: list[tuple[int, str | None]]
    """(time, boot) of each death of a worker, which may have been noted when it was ordered and when it was seen."""
    gone: frozenset[tuple[str | None, int | None]]
    """(boot, pid) of pool processes that died nobody knows when."""
    unacknowledged: frozenset[str]
    vanished: Mapping[str | None, int]
    """When it was found that nobody has a task's message, neither the broker nor a worker."""

    @classmethod
    def of(cls, history: History) -> Deaths:
        """Collect them from the faults of a history."""
        faults = [fault for fault in history.faults if fault.boot is not None]
        return cls(
            processes=[(fault.at_ns, fault.boot, fault.pid) for fault in faults if fault.kind == "kill-child"],
            workers=[(fault.at_ns, fault.boot) for fault in faults if fault.kind in _ENDS_A_WORKER],
            gone=frozenset((fault.boot, fault.pid) for fault in faults if fault.kind == "process-gone"),
            unacknowledged=frozenset(history.stuck_unacked),
            vanished={fault.task_id: fault.at_ns for fault in history.faults if fault.kind == "vanished"},
        )

    def lost(self, task_id: str, executions: Sequence[Execution], *, goes_on: bool) -> bool:
        """Tell whether a task without an end can neither end nor be delivered again.

        Args:
            task_id: The task.
            executions: Its executions, in order of receipt.
            goes_on: Whether another attempt has been published since.
        """
        last = executions[-1] if executions else None
        if task_id in self.vanished and (last is None or (last.received_ns or 0) < self.vanished[task_id]):
            return True
        return last is not None and not goes_on and self._lost(last)

    def _lost(self, execution: Execution) -> bool:
        if execution.requeued_ns is not None or execution.task_id in self.unacknowledged:
            return False
        if execution.outcome is Outcome.LOST:
            return True
        return execution.acknowledged_ns is not None and self.took(execution)

    def took(self, execution: Execution) -> bool:
        """Tell whether an execution ended with its process."""
        gone = (execution.boot, execution.pid) in self.gone or self.died_ns(execution) is not None
        return execution.crashed and gone

    def of_worker(self, boot: str) -> list[int]:
        """Return when a worker died."""
        return [at_ns for at_ns, dead in self.workers if dead == boot]

    def died_ns(self, execution: Execution) -> int | None:
        """Return when the process that held an execution died; None if it did not, or died before."""
        begun_ns = execution.started_ns or execution.received_ns or 0
        deaths = [at_ns for at_ns, *process in self.processes if process == [execution.boot, execution.pid]]
        deaths += self.of_worker(execution.boot)
        return min((at_ns for at_ns in deaths if at_ns >= begun_ns), default=None)
