"""What a test did to each of its tasks: one class for each, with the reason."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from pytest_celery_perf.measure.cases import Case, whereabouts, why_lost
from pytest_celery_perf.measure.lives import Deaths, Fate, Life, all_lives
from pytest_celery_perf.model.history import History
from pytest_celery_perf.model.record import Outcome

POISONOUS = 2
"""How many processes a task that never ends must have taken with it to be called poison."""
_WORK = (Outcome.SUCCEEDED, Outcome.FAILED, Outcome.RETRIED)
"""The ends of executions that did what the task does; who raises ``Ignore`` or ``Reject`` has refrained from it."""


class TaskClass(StrEnum):
    """What became of a task. Each has exactly one: the first in this order that fits."""

    INDETERMINATE = "indeterminate"
    """Its publish raised, or never returned, and nobody has seen the message: it may or may not have been sent."""
    POISON = "poison"
    """Each of its executions took its process with it, again and again."""
    LOST = "lost"
    """It will never end: its message is gone, and nobody runs it."""
    STRANDED = "stranded"
    """It could still end, but nobody brings it to an end."""
    OVERLAPPING = "overlapping"
    """The same attempt ran in two places at once."""
    DUPLICATED = "duplicated"
    """The same attempt ran to its end more than once, one after the other."""
    FAILED = "failed"
    """It raised for the last time, or was refused: rejected, revoked, or expired before it began."""
    COMPLETED = "completed"
    """It returned, or refrained on purpose, after however many attempts and deaths."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Classified:
    """A task with its class."""

    life: Life
    task_class: TaskClass
    reason: str
    """What in the records makes it so, as the end of a sentence that begins with the task."""


def classify(history: History) -> tuple[Classified, ...]:
    """Say of each published or received task what became of it.

    Args:
        history: Of a test that is over. Where the broker was asked at the end, that tells the lost from the stranded.

    Returns:
        One for each task id, in the order in which the tasks were first seen.
    """
    deaths = Deaths.of(history)
    return tuple(_classified(Case(life=life, history=history, deaths=deaths)) for life in all_lives(history))


def executions_of(life: Life) -> int:
    """Count how often the attempt that was begun most often was begun."""
    return max(Counter(execution.retries for execution in life.started).values(), default=0)


def _classified(case: Case) -> Classified:
    fitting = ((each, tell(case)) for each, tell in _REASONS.items())
    task_class, reason = next((each, reason) for each, reason in fitting if reason)
    return Classified(life=case.life, task_class=task_class, reason=reason)


def _indeterminate(case: Case) -> str:
    end = case.history.end
    seen = case.life.sent or (end is not None and end.holds(case.life.task_id))
    return "" if seen else "publishing it raised, or never returned, and no worker received it"


def _poison(case: Case) -> str:
    deadly = len(case.died)
    fresh = case.has_just_begun_again
    always = deadly >= POISONOUS and deadly + fresh == len(case.life.started)
    # What vanished on its way ended by that: nobody knows whether it would have killed once more.
    poisonous = always and case.life.task_id not in case.deaths.vanished
    again = "; it has just begun again" if fresh else ""
    return f"it was begun {deadly}×, and each time its process died{again}" if poisonous else ""


def _stranded(case: Case) -> str:
    return whereabouts(case) if case.life.fate is Fate.UNFINISHED else ""


def _overlapping(case: Case) -> str:
    pair = next(case.overlaps(), ())
    return f"it ran in {' and '.join(f'process {each.pid} of {each.worker}' for each in pair)} at once" if pair else ""


def _duplicated(case: Case) -> str:
    ended = (each for each in case.life.started if each.ended_ns is not None and not each.put_back)
    ends = Counter(each.retries for each in ended if each.outcome in _WORK)
    most = max(ends.values(), default=0)
    return f"it ran to its end {most}×" if most > 1 else ""


def _failed(case: Case) -> str:
    fate, concluding = case.life.fate, case.life.concluding
    if fate in (Fate.SUCCEEDED, Fate.IGNORED):
        return ""
    if fate is Fate.FAILED and concluding is not None and concluding.error is not None:
        return f"it failed with {concluding.error.type}: {concluding.error.message}{_unstored(case.life)}"
    if cut_short := case.life.cut_short:
        return f"it was revoked while process {cut_short.pid} ran it"
    how = "it had expired" if case.life.expired else f"it was {fate}"
    return how if case.life.started else f"{how} before it began"


def _completed(case: Case) -> str:
    deaths = len(case.died)
    end = "raised Ignore" if case.life.fate is Fate.IGNORED else case.life.fate
    return f"it {end}{f' after its process had died {deaths}×' if deaths else ''}{_unstored(case.life)}"


def _unstored(life: Life) -> str:
    """Say that nobody has its result: the class tells of the work, which is done."""
    return ", though its result could not be stored" if life.concluding and life.concluding.unstored else ""


_REASONS: Mapping[TaskClass, Callable[[Case], str]] = MappingProxyType(
    {
        TaskClass.INDETERMINATE: _indeterminate,
        TaskClass.POISON: _poison,
        TaskClass.LOST: why_lost,
        TaskClass.STRANDED: _stranded,
        TaskClass.OVERLAPPING: _overlapping,
        TaskClass.DUPLICATED: _duplicated,
        TaskClass.FAILED: _failed,
        TaskClass.COMPLETED: _completed,
    }
)
"""What makes a task be of a class; empty where it is not. The last one always has an answer."""
