"""Messages that nobody holds: a worker took them and died before it could say so, or the broker has forgotten them."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from pytest_celery_perf.broker import inspect
from pytest_celery_perf.collect.book import Book
from pytest_celery_perf.runner.reader import Reader

LOOK_AGAIN_S = 1.0
"""Longer than a message is on its way from its queue to ``unacked``, and from there to its worker's record, where the
machine and the network have nothing else to do."""
PATIENCE_S = 10.0
"""For how long it may be on its way to a worker that does not wait for another message: one that is busy never does."""


class Orphans:
    """Looks after the messages of one test that nobody holds.

    What is in ``unacked`` goes back to its queue, as it would when the visibility timeout has passed. What is nowhere
    is given up: a worker was killed, or the broker, in between the two steps in which kombu takes a message.

    Args:
        book: The test's records.
        reader: Reads the records.
        app: The Celery app, in the test process.
        living: Returns the boots of the workers that live.
        listening: Tells whether all of these wait for messages, so that none of them is just taking one.

    Source:
        ``Channel._brpop_read`` and ``QoS.append`` in kombu/transport/redis.py.
    """

    def __init__(
        self, book: Book, reader: Reader, app: Any, living: Callable[[], set[str]], listening: Callable[[], bool]
    ) -> None:
        self._book = book
        self._reader = reader
        self._app = app
        self._living = living
        self._listening = listening
        self._suspects: set[str] = set()
        self._look_again_s: float | None = None
        self._patience_s = 0.0
        """Until when a worker may be taking one, by the monotonic clock."""

    def suspect(self) -> None:
        """Look for them; whether they are orphans is only known when nobody has claimed them a while later."""
        unclaimed, missing = self._look()
        self._suspects = {*unclaimed, *missing}
        self._patience_s = time.monotonic() + PATIENCE_S
        self._look_again_s = time.monotonic() + LOOK_AGAIN_S if self._suspects else None

    def forget(self) -> None:
        """Look no further, since the broker is away."""
        self._look_again_s = None

    def tend(self) -> None:
        """Decide about the suspects, unless a worker may have one: it is frozen, or just taking a message."""
        if self._look_again_s is not None and any(map(self._book.frozen, self._living())):
            # What it has taken, it will only record a while after it goes on.
            self._look_again_s = time.monotonic() + LOOK_AGAIN_S
            self._patience_s = time.monotonic() + PATIENCE_S
        if self._look_again_s is None or time.monotonic() < self._look_again_s:
            return
        # In this order: what was taken before all of them waited for more, they have recorded.
        if not self._listening() and time.monotonic() < self._patience_s:
            self._look_again_s = time.monotonic() + LOOK_AGAIN_S
            return
        self._look_again_s = None
        self._reader.pump()
        unclaimed, missing = self._look()
        if tags := [tag for task_id, tag in unclaimed.items() if task_id in self._suspects]:
            restored = len(inspect.restore(self._app, tags))
            self._book.note("restored", detail=f"{restored} messages whose worker died before it recorded them")
        for task_id in missing & self._suspects:
            self._give_up(task_id)

    def _give_up(self, task_id: str) -> None:
        latest = self._book.latest(task_id)
        if latest is not None and latest.outcome is not None:
            # It was acknowledged; only the word of it died with the worker.
            self._book.forgive(but=self._book.struck - {task_id})
            self._book.expect_no_more(task_id)
        else:
            self._book.note("vanished", task_id=task_id)
            self._book.lose(task_id)

    def _look(self) -> tuple[dict[str, str], set[str]]:
        """Return the delivery tags of unclaimed messages, by task; and the tasks whose messages are nowhere."""
        living = self._living()
        queues = {publishing.queue for publishing in self._book.publishing.values() if publishing.queue}
        # A twin has a queue of its own for what is delivered to it again.
        queues.update(queue for worker in self._reader.ledger.workers.values() for queue in worker.queues)
        found = inspect.contents(self._app, sorted(queues))
        doubtful = {each for each in self._book.open if self._is_sent(each) and not self._is_with(living, each)}
        unacked = {each.task_id: each.tag for each in found.unacked}
        waiting = {task_id for _, ids in found.queues for task_id in ids}
        return {task_id: unacked[task_id] for task_id in doubtful & unacked.keys()}, doubtful - unacked.keys() - waiting

    def _is_sent(self, task_id: str) -> bool:
        """Tell whether the last attempt of a task was certainly published."""
        return (task_id, self._book.last_attempt[task_id]) in self._book.confirmed

    def _is_with(self, living: set[str], task_id: str) -> bool:
        """Tell whether a living worker has received the last attempt of a task, and neither ended nor put it back."""
        latest = self._book.latest(task_id)
        if latest is None or latest.boot not in living or latest.requeued_ns is not None:
            return False
        if latest.outcome is not None and latest.acknowledged_ns is not None:
            return False  # it is open for another delivery
        return latest.started is not None or not self._book.forgotten(latest)
