"""What an execution came to whose result could not be stored: Celery's tracer tells another story of it, or none.

Source:
    ``build_tracer`` in celery/app/trace.py: what ``mark_as_done`` raises is taken for the task's failure, and what
    storing that failure raises leaves the tracer. ``Backend.store_result`` in celery/backends/base.py tries again only
    with ``result_backend_always_retry``.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pytest_celery_perf.probe.attempt import RunningAttempt

_STORE = "store_result"
"""The function of each result backend that stores a result."""


def real_end(attempt: RunningAttempt, state: str | None, error: Exception) -> tuple[str | None, Any]:
    """Say how an execution ended that failed by the tracer's word; note at it what kept its result from being stored.

    Args:
        attempt: The execution.
        state: What the tracer returned; None if it raised.
        error: With which exception.

    Returns:
        A Celery state, with its exception if it has one.
    """
    from celery.exceptions import Reject, Retry
    from kombu.exceptions import EncodeError, OperationalError

    if state is None and isinstance(error, Reject):
        return "REJECTED", error
    # What cannot be encoded is the task's own fault, and Celery stores that it failed.
    stores = error is not attempt.raised and not isinstance(error, EncodeError) and _was_raised_in_store(error)
    if state is not None and not stores:
        return state, error
    attempt.unstored = error if stores else None
    for each in _and_what_it_followed(error):
        if isinstance(each, Retry):
            return "RETRY", each
        unpublished = isinstance(each, OperationalError) and not _was_raised_in_store(each)  # what follows in its chain
        if each is attempt.raised or unpublished:
            return "FAILURE", each
    return ("FAILURE", error) if attempt.body_ended_ns is None else ("SUCCESS", None)


def _was_raised_in_store(error: BaseException) -> bool:
    traceback = error.__traceback__
    while traceback is not None:
        if traceback.tb_frame.f_code.co_name == _STORE:
            return True
        traceback = traceback.tb_next
    return False


def _and_what_it_followed(error: BaseException | None) -> Iterator[BaseException]:
    """Yield an exception and those while whose handling it was raised; Python keeps that chain free of circles."""
    while error is not None:
        yield error
        error = error.__context__
