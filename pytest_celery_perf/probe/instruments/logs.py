"""The log records of an execution: those that its loggers let through to their handlers.

What Celery says of its tasks by itself is left out; what a task prints is not, since the worker logs it.

Source:
    ``logging.Logger.callHandlers``: called for a record that a logger's level and filters let through.
"""

from __future__ import annotations

import logging
import sys
from collections import defaultdict
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from pytest_celery_perf.probe import context, patch
from pytest_celery_perf.probe.callsite import innermost
from pytest_celery_perf.probe.pools import ALL
from pytest_celery_perf.probe.queries import MISTAKES
from pytest_celery_perf.probe.readings import Logged, Place
from pytest_celery_perf.probe.touch import stable

if TYPE_CHECKING:
    from pytest_celery_perf.probe.attempt import RunningAttempt

POOLS = ALL
MOST_TEXTS = 500
"""How many different texts of one execution are told apart: a text may be made of what it tells."""
CHARACTERS = 200
"""How much of a text is kept."""

_THEIRS = ("celery", "kombu", "amqp", "billiard")
_USERS = ("celery.redirected", "celery.task")
"""What tasks print, and the loggers that Celery makes for them."""


def begin(_: RunningAttempt) -> LogsReading:
    """See `Instrument.begin`."""
    patch.wrap(logging.Logger, "callHandlers", _noting)
    return LogsReading()


class LogsReading:
    """The log records of one execution."""

    def __init__(self) -> None:
        self._records: defaultdict[tuple[int, str, Place], int] = defaultdict(int)

    def note(self, record: logging.LogRecord, where: Place) -> None:
        """Count a record."""
        key = (record.levelno, _text(record.msg), where)
        if key not in self._records and len(self._records) >= MOST_TEXTS:
            key = (record.levelno, f"… one of more than {MOST_TEXTS} different texts", None)
        self._records[key] += 1

    def end(self) -> list[Logged]:
        """See `Reading.end`."""
        return [Logged(level, text, times, where) for (level, text, where), times in [*self._records.items()]]


def _text(message: object) -> str:
    try:
        return stable(str(message))[:CHARACTERS]
    except MISTAKES:  # of the user's object; logging makes its own of them, too
        return f"an unprintable {type(message).__name__}"


def _noting(call_handlers: Callable[..., Any]) -> Callable[..., Any]:
    def call_handlers_noted(logger: logging.Logger, record: logging.LogRecord) -> Any:
        attempt = context.current()
        reading: LogsReading | None = None if attempt is None else attempt.reading("logs")
        if reading is not None and _is_users(record.name):
            reading.note(record, innermost(sys._getframe(1)))
        return call_handlers(logger, record)

    return call_handlers_noted


def _is_users(logger: str) -> bool:
    return logger.partition(".")[0] not in _THEIRS or logger.startswith(_USERS)
