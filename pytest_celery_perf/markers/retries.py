"""The marker that judges how a task retries."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from pytest_celery_perf.errors import ConfigurationError
from pytest_celery_perf.model.arguments import flag, natural, one_of, sequence, task_name
from pytest_celery_perf.model.spec import RetriesBudget
from pytest_celery_perf.model.units import parse_duration_s


def celery_retries(
    *,
    task: Any = None,
    attempts: int | None = None,
    backoff: str | None = None,
    countdowns: Iterable[str | float] | None = None,
    max_countdown: str | float | None = None,
    jitter: bool | None = None,
    final: str | None = None,
) -> RetriesBudget:
    """Judge how a task retries: attempts, the countdowns it requests, its end. Waiting is shortened."""
    if all(value is None for value in (attempts, backoff, countdowns, max_countdown, jitter, final)):
        raise ConfigurationError(
            "nothing to judge: give attempts=, backoff=, countdowns=, max_countdown=, jitter= or final="
        )
    listed = sequence(countdowns or (), "countdowns", "durations")
    budget = RetriesBudget(
        task=task_name(task),
        attempts=None if attempts is None else natural(attempts, "attempts", 1),
        backoff=None if backoff is None else one_of(backoff, "backoff", "exponential", "fixed"),
        countdowns_s=None if countdowns is None else tuple(parse_duration_s(each, "countdowns") for each in listed),
        max_countdown_s=None if max_countdown is None else parse_duration_s(max_countdown, "max_countdown"),
        jitter=None if jitter is None else flag(jitter, "jitter"),
        final=None if final is None else one_of(final, "final", "succeeded", "failed"),
    )
    if budget.attempts is not None and countdowns is not None and len(listed) != budget.attempts - 1:
        raise ConfigurationError(
            f"countdowns={listed!r} are those of {len(listed) + 1} attempts, as the first has none, and not of "
            f"attempts={attempts!r}: give one of the two"
        )
    return budget
