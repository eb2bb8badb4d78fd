"""One test's tasks: tracked from their publication to their end."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from typing import Any

from pytest_celery_perf.broker import inspect
from pytest_celery_perf.collect.history import freeze
from pytest_celery_perf.errors import BrokerError
from pytest_celery_perf.model.record import History, WorkerInfo
from pytest_celery_perf.probe.django_glue import clear_caches, use_caches
from pytest_celery_perf.probe.faults import FaultOrder
from pytest_celery_perf.probe.overrides import Override
from pytest_celery_perf.probe.publish import Header, PublishTracker
from pytest_celery_perf.runner.app import on_broker
from pytest_celery_perf.runner.pool import Pool
from pytest_celery_perf.runner.reader import Reader
from pytest_celery_perf.runner.rescue import Rescue

ACKNOWLEDGE_GRACE_S = 1.0
"""How long a task that has ended may wait for the worker's acknowledgment. It follows within
milliseconds; after a broken connection it never comes, and then the broker is asked."""


Progress = Callable[[int, int, int], None]
"""Told how many tasks were published, have finished, and have failed among these."""


class Trial:
    """The tasks of one test.

    Args:
        pool: The workers that run them.
        reader: Reads the records.
        app: The Celery app, in the test process.
        faults: What the tasks must suffer.
        time_scale: By how much countdowns of retries shrink; None for not at all.
        progress: Told how far the tasks are while the test waits.
    """

    def __init__(
        self,
        pool: Pool,
        *,
        reader: Reader,
        app: Any,
        faults: tuple[FaultOrder, ...] = (),
        time_scale: float | None = None,
        progress: Progress = lambda *_: None,
    ) -> None:
        self.pool = pool
        self.token = secrets.token_hex(8)
        self.book = reader.ledger.open_book(self.token)
        self.overrides: tuple[Override, ...] = ()
        self._reader = reader
        self.app = app
        self._faults = list(faults)
        self._time_scale = time_scale
        self._progress = progress
        self._rescue = Rescue(self.book, pool, reader, app, self._faults)

    @contextmanager
    def tracking(self) -> Iterator[None]:
        """Send this process's tasks to the workers, and keep track of them."""
        tracker = PublishTracker(self._reader.journal, self._header, lambda: None)
        with ExitStack() as stack:
            self.overrides = stack.enter_context(on_broker(self.pool.probe, self.pool.clients))
            before = use_caches(self.pool.probe.caches)
            stack.callback(use_caches, before)
            stack.callback(clear_caches, self.pool.probe.caches)
            stack.callback(self._rescue.close)
            tracker.connect()
            stack.callback(tracker.disconnect)
            stack.callback(self._reader.ledger.close_book, self.book)
            yield

    def _header(self) -> Header:
        header: Header = {"t": self.token}
        if self._time_scale is not None:
            header["scale"] = self._time_scale
        if self._faults:
            header["faults"] = [_as_header(order) for order in self._faults]
        return header

    def order(self, order: FaultOrder) -> None:
        """Have the tasks that are published from now on suffer one more fault."""
        self._faults.append(order)

    def wait(self, timeout_s: float, until_open: int = 0) -> bool:
        """Wait for the tasks that were published so far, and for all that follows from them.

        Args:
            timeout_s: Seconds.
            until_open: Return as soon as no more tasks than this are open.

        Returns:
            Whether they came to their end in time; what a worker threw away, since it did not know it, has none.

        Raises:
            SpoolError: A record file is damaged.
        """
        deadline_s = time.monotonic() + timeout_s
        ending = _Since()
        while True:
            self._reader.pump()
            self._rescue.tend()
            book = self.book
            unacknowledged_s = ending.duration_s(bool(book.ending) and not book.open)
            if len(book.open) <= until_open and (
                until_open or not book.ending or unacknowledged_s > ACKNOWLEDGE_GRACE_S
            ):
                # The files are read one after the other: what is in the first ones may be older
                # than what was found in the last.
                self._reader.pump()
                if len(book.open) <= until_open:
                    return bool(until_open) or not book.unknown
            left_s = deadline_s - time.monotonic()
            if left_s <= 0 or self._rescue.hopeless:
                return False
            published = len(book.last_attempt)
            self._progress(published, published - len(book.open), len(book.failed))
            self._reader.spool.wait(left_s, *self.pool.exit_fds, ends=len(book.open) - until_open)

    def pump(self) -> None:
        """Take in what was recorded by now."""
        self._reader.pump()

    @property
    def workers(self) -> Mapping[str, WorkerInfo]:
        """What the workers have said of themselves, by boot."""
        return self._reader.ledger.workers

    def history(self) -> History:
        """Return what has happened by now, the state of the broker included."""
        self._reader.pump()
        history = freeze(self.book, self._reader.ledger)
        stuck: tuple[str, ...] = ()
        if self.book.faults or self.book.open or self.book.ending:
            ours = {*self.book.last_attempt}
            with suppress(BrokerError):  # a broker that is gone holds nothing, and somebody has said so already
                stuck = tuple(held.task_id for held in inspect.unacked_ids(self.app) if held.task_id in ours)
        return replace(
            history,
            stuck_unacked=stuck,
            visibility_timeout_s=inspect.visibility_timeout_s(self.app),
            restore_delay_s=inspect.restore_delay_s(self.app),
        )


class _Since:
    """For how long something has been so."""

    def __init__(self) -> None:
        self._since_s: float | None = None

    def duration_s(self, is_so: bool) -> float:
        """Return seconds since it came to be so; zero if it is not."""
        if not is_so:
            self._since_s = None
            return 0.0
        now_s = time.monotonic()
        if self._since_s is None:
            self._since_s = now_s
        return now_s - self._since_s


def _as_header(order: FaultOrder) -> dict[str, Any]:
    return {
        "key": order.key,
        "task": order.task,
        "do": order.do,
        "at": order.at,
        "times": order.times,
        "signal": order.signal,
        "error": order.error,
        "args": list(order.args),
    }
