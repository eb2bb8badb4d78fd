"""The attempts of a task: what each asked for, what was waited, how each ended."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import isclose
from typing import Self

from pytest_celery_perf.judge.backoff import Schedule, durations, same
from pytest_celery_perf.judge.subjects import Subject
from pytest_celery_perf.measure.lives import Life
from pytest_celery_perf.model.record import Execution, Outcome, TaskError
from pytest_celery_perf.model.units import format_duration_s


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """From one attempt to the next."""

    execution: Execution
    """The attempt that asked to be tried again."""
    requested_s: float
    """The countdown it asked for."""
    exact: bool
    """Whether it is known to have been a number; one that an ETA told is some milliseconds short."""
    waited_s: float | None
    """The delay that was really asked of the worker; None if the next attempt was not seen to be published."""

    def asks_for(self, wanted_s: float) -> bool:
        """Tell whether the countdown is the wanted one."""
        return isclose(self.requested_s, wanted_s) if self.exact else same(self.requested_s, wanted_s)


@dataclass(frozen=True, slots=True, kw_only=True)
class Retrying:
    """How the tasks of one name were tried again."""

    subject: Subject
    steps: dict[str, tuple[Step, ...]]
    """Task id to its retries, in order."""
    schedule: Schedule | None
    """The one of the task's options, where every countdown that was requested can come from it."""

    @classmethod
    def of(cls, subject: Subject) -> Self:
        """Collect the retries of a task."""
        steps = {life.task_id: _steps(life) for life in subject.lives}
        schedule = Schedule.of(subject.options)
        every = [step for each in steps.values() for step in each]
        if schedule and not all(schedule.allows(step.execution.retries, step.requested_s) for step in every):
            schedule = None
        return cls(subject=subject, steps=steps, schedule=schedule)

    @property
    def every(self) -> tuple[Step, ...]:
        """All retries of all tasks."""
        return tuple(step for each in self.steps.values() for step in each)

    @property
    def most(self) -> int:
        """The number of retries of the task that had most of them."""
        return max(map(len, self.steps.values()))

    def requested_s(self, life: Life) -> tuple[float, ...]:
        """The countdowns that one task asked for, in order."""
        return tuple(step.requested_s for step in self.steps[life.task_id])

    def asked_for(self, life: Life, wanted_s: Sequence[float]) -> bool:
        """Tell whether one task asked for these countdowns, as far as both go."""
        return all(step.asks_for(each) for step, each in zip(self.steps[life.task_id], wanted_s, strict=False))

    def text(self, *, exact: bool = False) -> str:
        """Print the sequences of requested countdowns, each different one once; for `exact` see `durations`."""
        asked = (durations(self.requested_s(life), exact=exact) for life in self.subject.lives)
        distinct = dict.fromkeys(each or "none" for each in asked)
        return " / ".join(list(distinct)[:3]) + (" / …" if len(distinct) > 3 else "")

    def lines(self, life: Life) -> Iterator[str]:
        """Tell the attempts of one task."""
        waits = {step.execution: step for step in self.steps[life.task_id]}
        for execution in life.started:
            again = f", delivery {execution.delivery}" if execution.delivery > 1 else ""
            begun = f"{life.label} attempt {execution.retries + 1}{again}, {self.subject.clock(execution.started_ns)}"
            yield f"{begun}: {self._ending(execution, waits.get(execution))}"

    def _ending(self, execution: Execution, step: Step | None) -> str:
        if execution.outcome is None:
            return "no end was recorded"
        error = execution.error
        told = execution.outcome.value if error is None else short_name(error.type)
        told += f": {error.message}" if error and error.message else ""
        told += f" at {self.subject.place(error.where)}" if error and error.where else ""
        told += " (injected by celery_perf.fail)" if execution.injected else ""
        if step is None:
            return told if error is None else f"{execution.outcome.value}, {told}"
        asked = f"{told}; retry requested in {format_duration_s(step.requested_s)}"
        if step.waited_s is None:
            # A task class may hold it back, such as one that takes the retry for a duplicate.
            return f"{asked}, but it was never published"
        return f"{asked}, waited {format_duration_s(step.waited_s)}"


def short_name(type_name: str) -> str:
    """Return the name of an exception without its module."""
    return type_name.rpartition(".")[2]


def told_error(error: TaskError) -> str:
    """Tell what a task raised: ``ValueError: no such row``, without a colon if there is no text."""
    return ": ".join(filter(None, (short_name(error.type), error.message)))


def _steps(life: Life) -> tuple[Step, ...]:
    """Return the retries of a task, one for each attempt however often it was delivered."""
    by_attempt = {each.retries: each for each in life.executions if each.outcome is Outcome.RETRIED}
    publications = {publication.retries: publication for publication in life.publications}
    steps = []
    for retries, execution in sorted(by_attempt.items()):
        following = publications.get(retries + 1)
        told_s, published_s, waited_s = execution.countdown_s, None, None
        if following is not None:
            published_s = following.countdown_s
            waited_s = (following.countdown_s if following.waited_s is None else following.waited_s) or 0.0
        # The message says when, not how long: of a number that is less than the task told, and more than the task told
        # by an ETA, since what is left until then was noted after the message was published.
        requested_s = max((each for each in (told_s, published_s) if each is not None), default=0.0)
        exact = told_s is not None and published_s is not None and told_s == requested_s
        steps.append(Step(execution=execution, requested_s=requested_s, exact=exact, waited_s=waited_s))
    return tuple(steps)
