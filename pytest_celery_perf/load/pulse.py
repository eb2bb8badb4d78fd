"""How a load goes while it goes: the latencies of the tasks that have ended by now, and of those that are late."""

from __future__ import annotations

import itertools
import time
from typing import TYPE_CHECKING

from pytest_celery_perf.measure.distribution import Distribution
from pytest_celery_perf.model.load import Pace
from pytest_celery_perf.model.units import NS_PER_S
from pytest_celery_perf.probe import wire

if TYPE_CHECKING:
    from pytest_celery_perf.collect.book import Book


class Pulse:
    """Follows the tasks that the test itself publishes from now on.

    Args:
        book: The test's records.
        planned: How many tasks there will be; None if nobody knows.
    """

    def __init__(self, book: Book, planned: int | None) -> None:
        self._book = book
        self._planned = planned
        self._seen = len(book.publishing)
        self._began_ns = time.monotonic_ns()
        self._due_ns: dict[str, int] = {}
        """Of the tasks that have not ended: when they were, or should have been, published."""
        self._latencies_ns: list[int] = []

    def pace(self) -> Pace:
        """Return the figures as of now."""
        self._update()
        elapsed_s = (time.monotonic_ns() - self._began_ns) / NS_PER_S
        ended = len(self._latencies_ns)
        rate = ended / elapsed_s if ended else None
        known = None if self._planned is None or rate is None else max(0, self._planned - ended) / rate
        latencies = Distribution.from_samples(self._latencies_ns, "latency")
        return Pace(rate_per_s=rate, p95_s=latencies.percentile_or_none(95), eta_s=known)

    def later_than(self, budget_s: float, now_ns: int) -> int:
        """Return how many tasks took longer than that, or had not ended and were overdue already.

        Args:
            budget_s: How long they may take.
            now_ns: A moment before the records were last read: what has ended since then may seem not to have.
        """
        self._update()
        budget_ns = budget_s * NS_PER_S
        latest_ns = now_ns - budget_ns
        overdue = sum(due_ns < latest_ns for due_ns in self._due_ns.values())
        return overdue + sum(latency_ns > budget_ns for latency_ns in self._latencies_ns)

    def _update(self) -> None:
        news = list(itertools.islice(self._book.publishing.items(), self._seen, None))
        self._seen += len(news)
        self._due_ns.update(
            (record.id, _due_ns(record))
            for key, record in news
            if record.retries == 0 and not self._book.publisher[key]  # a task's own children are not laid on
        )
        for task_id in self._due_ns.keys() - self._book.open:
            due_ns = self._due_ns.pop(task_id)
            if (ended_ns := self._ended_ns(task_id)) is not None:
                self._latencies_ns.append(ended_ns - due_ns)

    def _ended_ns(self, task_id: str) -> int | None:
        draft = self._book.latest(task_id)
        end = None if draft is None else draft.finished or draft.failed
        return None if end is None else end.ns


def _due_ns(record: wire.Publishing) -> int:
    return record.ns if record.intended_ns is None else record.intended_ns
