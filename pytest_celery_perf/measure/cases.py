"""A task with all that its class is told from: who ran it, who died with it, who has its message."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import combinations

from pytest_celery_perf.measure.lives import Deaths, Fate, Life
from pytest_celery_perf.model.history import History
from pytest_celery_perf.model.record import Execution, Outcome
from pytest_celery_perf.model.units import NS_PER_S

FRESH_NS = NS_PER_S
"""Longer than the machine may keep a process from dying that is about to."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One task of a test that is over."""

    life: Life
    history: History
    deaths: Deaths

    @property
    def last(self) -> Execution | None:
        """The execution received last."""
        return self.life.executions[-1] if self.life.executions else None

    @property
    def died(self) -> list[Execution]:
        """The executions that ended with the end of their process."""
        return [each for each in self.life.started if each.crashed and self._over(each)]

    @property
    def running(self) -> list[Execution]:
        """The executions that have begun, not ended, and whose process is not known to be gone."""
        return [each for each in self.life.started if each.crashed and not self._over(each)]

    @property
    def has_just_begun_again(self) -> bool:
        """Whether it runs, and has not done so for longer than before its processes died, when nobody looked any more.

        That would be chance where a task is put back, dies and begins again within milliseconds.
        """
        end, running = self.history.end, self.running
        if end is None or len(running) != 1 or running[0] is not self.life.started[-1]:
            return False
        deaths = ((each, each.requeued_ns or self.deaths.died_ns(each)) for each in self.died)
        lived_ns = [died_ns - (each.started_ns or 0) for each, died_ns in deaths if died_ns is not None]
        return end.at_ns - (running[0].started_ns or 0) <= max(lived_ns, default=0) + FRESH_NS

    def _over(self, execution: Execution) -> bool:
        """Tell whether an execution without an end is known to run no longer."""
        reported = execution.outcome is Outcome.LOST or execution.requeued_ns is not None
        return reported or execution.body_ended_ns is not None or self.deaths.took(execution)

    def overlaps(self) -> Iterator[tuple[Execution, Execution]]:
        """Yield pairs of executions of the same attempt that ran at the same time, the one begun first first.

        An execution without an end ran until its process died or, if it never did, runs still. Where the moment of
        death is not known, nothing is claimed.
        """
        for one, other in combinations(self.life.started, 2):
            first, second = sorted((one, other), key=lambda execution: execution.started_ns or 0)
            if first.retries == second.retries and self._outlasts(first, second.started_ns or 0):
                yield first, second

    def _outlasts(self, execution: Execution, at_ns: int) -> bool:
        """Tell whether an execution certainly still ran at a time after its start."""
        # A task that was cut off has no end, but its body has.
        for over_ns in (execution.ended_ns, execution.body_ended_ns, self.deaths.died_ns(execution)):
            if over_ns is not None:
                return over_ns > at_ns
        return not self._over(execution)


def unended(lives: Iterable[Life], history: History) -> frozenset[Execution]:
    """Return the last executions of tasks that ran on when nobody waited any more, as far as is known.

    Args:
        lives: The tasks.
        history: What happened, in which these are some.
    """
    deaths = Deaths.of(history)
    cases = [Case(life=life, history=history, deaths=deaths) for life in lives]
    return frozenset(case.last for case in cases if case.last is not None and case.last in case.running)


_NOWHERE = "its message is in neither queue nor unacked, and nobody runs it"


def why_lost(case: Case) -> str:
    """Say why a task will never end, as the end of a sentence; empty if it may end, or has."""
    match case.life.fate:
        case Fate.LOST:
            return _taken_along(case)
        case Fate.REVOKED:
            return _revoked(case)
        case Fate.REJECTED:
            return _thrown_away(case.life)
        case Fate.UNFINISHED if _vanished(case):
            return _NOWHERE
    return ""


def severed(history: History) -> bool:
    """Tell whether connections broke though the broker lived: what has vanished was then on its way to a worker."""
    return any(fault.disconnects for fault in history.faults) and all(
        fault.kind != "kill-broker" for fault in history.faults
    )


def _taken_along(case: Case) -> str:
    last = case.last
    if last is None and severed(case.history):
        return "its message went astray on its way to a worker"
    if last is None and any(fault.kind == "kill-broker" for fault in case.history.faults):
        return "the broker came back without its message"
    if last is None:
        return "a worker had just taken its message, and was gone before it had noted it"
    if last.outcome is Outcome.LOST:
        return f"process {last.pid} died with it, and its message is acknowledged"
    if last.acknowledged_ns is None or not last.crashed:
        return _NOWHERE
    return f"it was acknowledged before it ended, and process {last.pid} is gone"


def _revoked(case: Case) -> str:
    """Tell what somebody revoked on purpose from what a worker revoked as its connection broke, or found expired."""
    cut_short = case.life.cut_short
    if cut_short is None:
        return ""
    if case.life.expired:
        return f"process {cut_short.pid} did not end it, and its message had expired when it was delivered again"
    broken = any(fault.disconnects for fault in case.history.faults)
    return f"it was revoked and acknowledged while process {cut_short.pid} ran it" if broken else ""


def _thrown_away(life: Life) -> str:
    """Tell a message that its task rejected on purpose from one that went without anybody wanting it.

    Source:
        ``celery.app.task.Task.retry`` raises ``Reject(requeue=False)`` if it cannot publish the next attempt.
    """
    if life.concluding is None:
        return "a worker that does not know the task threw its message away"
    retries = life.concluding.retries + 1
    if any(each.retries == retries and not each.confirmed for each in life.publications):
        return "publishing its next attempt failed, and the message of this one was thrown away"
    return ""


def _vanished(case: Case) -> bool:
    """Tell whether neither the broker nor a process has the task."""
    end, life = case.history.end, case.life
    news = [each.published_ns for each in life.publications] + [each.received_ns or 0 for each in life.executions]
    # What came after the snapshot, the broker could not have.
    return end is not None and not end.holds(life.task_id) and max(news) <= end.at_ns and not case.running


def whereabouts(case: Case) -> str:
    """Say where a task is that could still end, as the end of a sentence."""
    end = case.history.end
    if end is not None and (queue := end.queue_of(case.life.task_id)):
        return f"it waits in the queue {queue!r}{'' if _consumed(queue, case) else ', which no living worker consumes'}"
    if end is not None and case.life.task_id in end.scheduled:
        return f"{case.last.worker if case.last else 'a worker'} holds it in unacked until its ETA"
    if case.running:
        return f"process {case.running[-1].pid} of {case.running[-1].worker} still runs it"
    if end is None:
        return "it had not ended when the waiting stopped, and nobody looked where its message is"
    return _holder(case)


def _consumed(queue: str, case: Case) -> bool:
    living = (worker for worker in case.history.workers if not case.deaths.of_worker(worker.boot))
    return any(queue in worker.queues for worker in living)


def _holder(case: Case) -> str:
    last = case.last
    if last is None or last.acknowledged_ns is not None or last.requeued_ns is not None:
        return "a worker that never said so holds it in unacked"
    dead = ", which is dead," if case.deaths.took(last) or case.deaths.died_ns(last) is not None else ""
    if last.started:
        return f"process {last.pid} of {last.worker}{dead} holds it in unacked{'' if dead else ', but runs it no more'}"
    return f"{last.worker}{dead} holds it in unacked, and never began it"
