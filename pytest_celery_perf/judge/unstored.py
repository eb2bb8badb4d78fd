"""Tasks that came to their end, and whose result could not be stored: their work is done, and nobody learns of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from pytest_celery_perf.measure.lives import Life
from pytest_celery_perf.model.history import History

TRY_AGAIN = (
    "a result could not be stored: with result_backend_always_retry=True a worker tries again until the result backend "
    "answers"
)
"""Source: ``Backend._ensure_retryable`` in celery/backends/base.py; ``result_backend_max_retries`` is infinite."""
TRY_MORE = "a worker has given up storing a result: raise result_backend_max_retries"
"""Source: as above, which raises ``BackendStoreError`` then."""


def notes(lives: Iterable[Life], history: History) -> Iterator[str]:
    """Say of which tasks the result could not be stored, and what a caller of theirs is told instead.

    Args:
        lives: The tasks.
        history: What happened, in which these are some.
    """
    told = [
        f"{each.label} ({error.type}: {error.message}): {_instead(each, history)}"
        for each in lives
        if each.concluding and (error := each.concluding.unstored)
    ]
    if len(told) == 1:
        yield f"1 result could not be stored, that of {told[0]}"
    elif told:
        yield f"{len(told)} results could not be stored, for example that of {told[0]}"


def _instead(life: Life, history: History) -> str:
    state = history.states.get(life.task_id)
    return f"the result backend says {state}" if state else "who waits for it may wait for ever"


def advice(lives: Iterable[Life]) -> Iterator[str]:
    """Say what has the results of tasks stored.

    Args:
        lives: The tasks.
    """
    errors = [each.unstored for life in lives for each in life.executions if each.unstored is not None]
    if any(error.type.endswith(".BackendStoreError") for error in errors):
        yield TRY_MORE
    elif errors:
        yield TRY_AGAIN


def is_its_failure(life: Life) -> bool:
    """Tell whether a task failed for nothing but that: its start could not be stored, and so it was never run."""
    return life.concluding is not None and life.concluding.unstored is not None and not life.concluding.body_started_ns
