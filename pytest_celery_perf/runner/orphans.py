"""Messages that a worker had taken, and died before its probe could say so."""

from __future__ import annotations

import time
from collections.abc import Set as AbstractSet
from typing import Any

from pytest_celery_perf.broker import inspect
from pytest_celery_perf.collect.book import Book

LOOK_AGAIN_S = 1.0
"""Longer than a living worker takes from a message's entry in ``unacked`` to its record."""


class Orphans:
    """Finds the messages of one test that nobody holds, and puts them back, as the visibility timeout would.

    Args:
        book: The test's records.
        app: The Celery app, in the test process.
    """

    def __init__(self, book: Book, app: Any) -> None:
        self._book = book
        self._app = app
        self._suspects: set[str] = set()
        self._look_again_s: float | None = None

    def suspect(self, living: AbstractSet[str]) -> None:
        """Look for them, after a worker has died; whether they are orphans is only known when nobody claims them.

        Args:
            living: The boots of the workers that live.
        """
        self._suspects = self._unclaimed(living)
        self._look_again_s = time.monotonic() + LOOK_AGAIN_S if self._suspects else None

    def tend(self, living: AbstractSet[str]) -> None:
        """Put those back that nobody has claimed, unless one who could is frozen.

        Args:
            living: The boots of the workers that live.
        """
        due = self._look_again_s is not None and time.monotonic() > self._look_again_s
        if not due or any(map(self._frozen, living)):
            return
        self._look_again_s = None
        if orphans := self._suspects & self._unclaimed(living):
            restored = inspect.restore(self._app, orphans)
            self._book.note("restored", detail=f"{restored} messages that a worker took and died before it said so")

    def _unclaimed(self, living: AbstractSet[str]) -> set[str]:
        claimed = {
            draft.received.tag for boot in living for draft in self._book.held_by(boot) if draft.received is not None
        }
        held = inspect.unacked_ids(self._app)
        return {each.tag for each in held if each.task_id in self._book.open and each.tag not in claimed}

    def _frozen(self, boot: str) -> bool:
        kinds = [fault.kind for fault in self._book.faults if fault.boot == boot]
        return kinds.count("freeze-worker") > kinds.count("thaw-worker")
