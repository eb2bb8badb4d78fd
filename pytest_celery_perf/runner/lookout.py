"""Looks at the broker at the moments that matter, and enters what it saw in a test's book."""

from __future__ import annotations

import time
from typing import Any

from pytest_celery_perf.broker import inspect
from pytest_celery_perf.collect.book import Book
from pytest_celery_perf.errors import BrokerError
from pytest_celery_perf.model.history import Snapshot

PATIENCE_S = 1.0
"""A broker that was stopped by others answers nobody; the test goes on meanwhile."""
DOWN = "the broker is down"


class Lookout:
    """Takes the snapshots of one test.

    Args:
        book: The test's records.
        app: The Celery app, in the test process.
    """

    def __init__(self, book: Book, app: Any) -> None:
        self._book = book
        self._app = app
        self._seen = 0

    @property
    def alarmed(self) -> bool:
        """Whether anything has happened to a process or a message."""
        return any(not fault.harmless for fault in self._book.faults)

    def tend(self, *, down: bool) -> None:
        """Note where the messages are if there were faults since the last time.

        Args:
            down: Whether the broker was killed or stopped by order, so that to ask it would only take time.
        """
        news, self._seen = self._book.faults[self._seen :], len(self._book.faults)
        kinds = dict.fromkeys(fault.kind for fault in news if not fault.harmless)
        if not kinds:
            return
        reason = ", ".join(kinds)
        silent = Snapshot(at_ns=time.monotonic_ns(), reason=reason, error=DOWN)
        self._book.snapshots.append(silent if down else self.look(reason))

    def look(self, reason: str) -> Snapshot:
        """Return where the broker has the test's messages now.

        Args:
            reason: See `Snapshot`.
        """
        at_ns = time.monotonic_ns()
        ours = self._book.last_attempt.keys()
        queues = {publishing.queue for publishing in self._book.publishing.values() if publishing.queue}
        try:
            found = inspect.contents(self._app, sorted(queues), PATIENCE_S)
        except BrokerError as error:
            return Snapshot(at_ns=at_ns, reason=reason, error=str(error))
        waiting = ((queue, tuple(each for each in ids if each in ours)) for queue, ids in found.queues)
        held = [message for message in found.unacked if message.task_id in ours]
        return Snapshot(
            at_ns=at_ns,
            reason=reason,
            queues=tuple((queue, ids) for queue, ids in waiting if ids),
            unacked=tuple(message.task_id for message in held),
            scheduled=tuple(message.task_id for message in held if message.scheduled),
        )
