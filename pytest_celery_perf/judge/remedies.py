"""What to change where a task is not tried again as it should be."""

from __future__ import annotations

from collections.abc import Iterator

from pytest_celery_perf.judge.attempts import Retrying, short_name
from pytest_celery_perf.judge.subjects import Subject, for_expired
from pytest_celery_perf.measure.lives import Fate, Life

PROVOKE = "make it fail in this test: celery_perf.fail({task}, with_=ConnectionError, times={times})"


def for_attempts(retrying: Retrying, wanted: int, wrong: list[Life]) -> Iterator[str]:
    """Say why tasks were tried too often or not often enough.

    Args:
        retrying: Their retries.
        wanted: The attempts that the marker demands.
        wrong: The tasks that had another number.
    """
    for life in wrong:
        if life.attempts > wanted:
            yield f"{wanted} attempts are max_retries={wanted - 1}: set it in {retrying.subject.decorator}"
        elif life.fate is Fate.FAILED:
            yield _gave_up(retrying.subject, life, wanted)
        elif life.expired:
            yield for_expired(life)
        elif life.fate not in (Fate.LOST, Fate.UNFINISHED):
            ended = life.fate if life.fate is Fate.SUCCEEDED else f"was {life.fate}"
            yield f"it {ended} at attempt {life.attempts}: {provoke(retrying.subject, wanted - 1)}"


def for_final(subject: Subject, wanted: str, attempts: int | None) -> Iterator[str]:
    """Say what makes the tasks end as demanded.

    Args:
        subject: The tasks.
        wanted: The end that the marker demands.
        attempts: How many attempts it demands; None if it leaves that open.
    """
    yield from (for_expired(life) for life in subject.lives if life.expired)
    if wanted == Fate.FAILED:
        options = subject.options
        allowed = (options.max_retries or 0) + 1 if options else 1
        yield f"to see it give up, let every attempt fail: {provoke(subject, attempts or allowed)}"
        return
    for life in subject.lives:
        if life.fate is Fate.FAILED and attempts is not None and life.attempts >= attempts:
            yield _failed_to_the_last(subject, life, attempts)
        elif life.fate is Fate.FAILED:
            yield _gave_up(subject, life, attempts or life.attempts + 1)


def _failed_to_the_last(subject: Subject, life: Life, attempts: int) -> str:
    """Say what makes the last attempt that a marker allows succeed: more attempts would contradict it."""
    last = f"attempt {attempts} is the last that attempts={attempts} allows, and must succeed"
    ending = life.concluding
    if ending is None or ending.error is None or not ending.injected:
        return f"{last}: let the test end what makes it fail before that"
    name = short_name(ending.error.type)
    times = f"celery_perf.fail({short_name(subject.name)}, with_={name}, times={attempts - 1})"
    return f"{last}: {times}" if attempts > 1 else f"{last}: let nothing fail it"


def provoke(subject: Subject, times: int) -> str:
    """Say how a test makes attempts fail."""
    return PROVOKE.format(task=subject.name.rpartition(".")[2], times=max(1, times))


def _gave_up(subject: Subject, life: Life, wanted: int) -> str:
    """Say why a task that failed was not tried once more."""
    options = subject.options
    error = life.concluding.error if life.concluding else None
    name = short_name(error.type) if error else "the exception"
    if options is None:
        return f"it was not tried again after {name}"
    if options.max_retries is not None and life.attempts > options.max_retries:
        allowed = f"max_retries={options.max_retries} allows {options.max_retries + 1} attempts"
        return f"{allowed}: set max_retries={wanted - 1} in {subject.decorator}, or retry_kwargs={{'max_retries': …}}"
    if not options.autoretry and life.attempts == 1:
        return f"nothing tries it again: set autoretry_for=({name},) in {subject.decorator}, or call self.retry()"
    if options.autoretry:
        return f"autoretry_for does not cover {name}, or dont_autoretry_for does: see {subject.decorator}"
    return f"the task did not call self.retry() after {name}: see {subject.decorator}"
