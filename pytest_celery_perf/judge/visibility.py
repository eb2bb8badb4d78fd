"""What makes Redis deliver a message a second time though nothing has gone wrong: the visibility timeout passes."""

from __future__ import annotations

import math
from collections.abc import Iterator

from pytest_celery_perf.judge.subjects import Subject
from pytest_celery_perf.model.units import NS_PER_S, format_duration_s
from pytest_celery_perf.model.verdict import Check

COUNTDOWN = "longest countdown"
RUN = "longest run"
TIME_LIMIT = "time limit"


def budget_of(limit_s: float) -> str:
    """Print the limit for all that is checked here.

    Args:
        limit_s: The visibility timeout.
    """
    return f"< {format_duration_s(limit_s)}, the visibility timeout"


def check(subject: Subject) -> Iterator[Check]:
    """Hold against the visibility timeout for how long workers keep the messages of some tasks.

    Args:
        subject: The tasks.

    Source:
        Celery's docs/getting-started/backends-and-brokers/redis.rst, "Visibility timeout"; celery#2481, celery#5935.
    """
    limit_s = subject.history.visibility_timeout_s
    if limit_s is not None:
        for metric, kept_s in _kept_s(subject):
            yield Check(metric=metric, budget=budget_of(limit_s), actual=format_duration_s(kept_s), ok=kept_s < limit_s)


def _kept_s(subject: Subject) -> Iterator[tuple[str, float]]:
    """Yield for how long a worker keeps a message, as far as that is known: until its ETA, and late ones until the end.

    What is shortened in tests, countdowns, counts as it was requested.
    """
    countdowns_s = [
        each.countdown_s for life in subject.lives for each in life.publications if each.countdown_s is not None
    ]
    if countdowns_s:
        yield COUNTDOWN, max(countdowns_s)
    options = subject.options
    if options is None or not options.acks_late:
        return
    runs_ns = [
        each.ended_ns - each.started_ns
        for life in subject.lives
        for each in life.started
        if each.ended_ns is not None and each.started_ns is not None
    ]
    if runs_ns:
        yield RUN, max(0, *runs_ns) / NS_PER_S
    if options.time_limit_s is not None:
        yield TIME_LIMIT, options.time_limit_s


def foreseen(subject: Subject) -> Iterator[str]:
    """Say what production makes of tasks that are kept for longer than the visibility timeout.

    Args:
        subject: The tasks.
    """
    limit_s, short = subject.history.visibility_timeout_s, subject.name.rpartition(".")[2]
    if limit_s is None:
        return
    beyond = {metric: kept_s for metric, kept_s in _kept_s(subject) if kept_s >= limit_s}
    limit = format_duration_s(limit_s)
    if COUNTDOWN in beyond:
        times = max(2, math.ceil(beyond[COUNTDOWN] / limit_s))
        yield f"in production: Redis delivers {short} again every {limit} until its ETA, and it runs up to {times}×"
    if RUN in beyond:
        yield f"in production: Redis delivers {short} again after {limit}, while it still runs: the two overlap"
    elif TIME_LIMIT in beyond:
        yield (
            f"in production: Redis delivers {short} again after {limit}; a run that takes up to its time limit still "
            "goes on then, and the two overlap"
        )


def advice(subject: Subject) -> Iterator[str]:
    """Say what to change about it.

    Args:
        subject: The tasks.
    """
    broken = {each.metric for each in check(subject) if not each.ok}
    if COUNTDOWN in broken:
        yield (
            "Redis delivers what a worker holds until its ETA again whenever the visibility timeout has passed: raise "
            "visibility_timeout in broker_transport_options, or let a periodic task publish it when it is due"
        )
    if RUN in broken:
        yield (
            "Redis delivers what still runs again when the visibility timeout has passed: raise visibility_timeout in "
            "broker_transport_options above the longest run, or split the task"
        )
    if TIME_LIMIT in broken:
        yield (
            "Redis delivers what still runs again when the visibility timeout has passed: raise visibility_timeout in "
            f"broker_transport_options above the time limit, or lower that in {subject.decorator}"
        )
