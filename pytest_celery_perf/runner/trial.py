"""One test's tasks: tracked from their publication to their end."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from typing import Any, TypeVar

from pytest_celery_perf.collect.history import freeze
from pytest_celery_perf.model.history import History
from pytest_celery_perf.model.load import Pace
from pytest_celery_perf.model.record import WorkerInfo
from pytest_celery_perf.probe.django_glue import clear_caches, use_caches
from pytest_celery_perf.probe.faults import directory_beside
from pytest_celery_perf.probe.journal import Journal
from pytest_celery_perf.probe.orders import FaultOrder
from pytest_celery_perf.probe.overrides import Override
from pytest_celery_perf.probe.publish import Header, PublishTracker
from pytest_celery_perf.runner.app import on_broker
from pytest_celery_perf.runner.clocks import Since, Total
from pytest_celery_perf.runner.duplicate import Duplicates
from pytest_celery_perf.runner.gates import Gates
from pytest_celery_perf.runner.gauges import Gauges
from pytest_celery_perf.runner.lookout import Lookout
from pytest_celery_perf.runner.outage import ACKNOWLEDGE_GRACE_S, MOST_S
from pytest_celery_perf.runner.pool import Pool
from pytest_celery_perf.runner.reader import Reader
from pytest_celery_perf.runner.rescue import Rescue
from pytest_celery_perf.runner.results import states_of
from pytest_celery_perf.runner.wishes import NO_WISHES, Wishes
from pytest_celery_perf.worker.needs import unmet

Progress = Callable[[int, int, int, Callable[[], Pace] | None], None]
"""Told how many tasks were published, have finished, and have failed of these; of a load also what tells its pace."""

T = TypeVar("T")


class Trial:
    """The tasks of one test.

    Args:
        pool: The workers that run them.
        reader: Reads the records.
        app: The Celery app, in the test process.
        faults: What the tasks must suffer.
        wishes: What else is wanted of their executions.
        progress: Told how far the tasks are while the test waits.
    """

    def __init__(
        self,
        pool: Pool,
        *,
        reader: Reader,
        app: Any,
        faults: tuple[FaultOrder, ...] = (),
        wishes: Wishes = NO_WISHES,
        progress: Progress = lambda *_: None,
    ) -> None:
        self.pool = pool
        self.token = secrets.token_hex(8)
        self.book = reader.ledger.open_book(self.token)
        self.overrides: tuple[Override, ...] = ()
        self._reader = reader
        self.app = app
        self._faults = list(faults)
        self.wishes = wishes
        self._gauges = Gauges(wishes.measure, pool)
        self._progress = progress
        self.pace: Callable[[], Pace] | None = None
        """Tells how a load goes, while there is one."""
        self.tracker = PublishTracker(reader.journal, self._header, lambda: None)
        self._gates = Gates(directory_beside(pool.probe.doorbell), self.token)
        self._gates.build(faults)
        self._lookout = Lookout(self.book, app)
        self.rescue = Rescue(
            self.book, pool, reader, app, faults=self._faults, gates=self._gates, lookout=self._lookout
        )
        self._duplicates = Duplicates(self.book, pool, app, faults=self._faults, gates=self._gates)

    @contextmanager
    def tracking(self) -> Iterator[None]:
        """Send this process's tasks to the workers, and keep track of them."""
        with ExitStack() as stack:
            self.overrides = stack.enter_context(on_broker(self.pool.probe, self.pool.clients))
            before = use_caches(self.pool.probe.own_caches)
            stack.callback(use_caches, before)
            stack.callback(clear_caches, self.pool.probe.own_caches)
            stack.callback(self._gates.close)
            stack.enter_context(self._gauges.watching())
            self.tracker.connect()
            stack.callback(self.tracker.disconnect)
            stack.callback(self._reader.ledger.close_book, self.book)
            yield

    @contextmanager
    def aside(self) -> Iterator[None]:
        """Leave alone what this process publishes meanwhile: another trial tracks it."""
        self.tracker.disconnect()
        try:
            yield
        finally:
            self.tracker.connect()

    def _header(self) -> Header:
        return self.wishes.header(self.token, self._faults)

    def order(self, order: FaultOrder) -> None:
        """Have the tasks that are published from now on suffer one more fault."""
        self._gates.build([order])
        self._faults.append(order)

    def release(self, key: str) -> None:
        """Let go on who is held by an order, now or later.

        Args:
            key: That of the order.
        """
        self._gates.open(key)

    def wait(self, timeout_s: float, until_open: int = 0) -> bool:
        """Wait for the tasks that were published so far, and for all that follows from them.

        Args:
            timeout_s: Seconds; what is waited for workers to reconnect is not counted, up to a bound.
            until_open: Return as soon as no more tasks than this are open.

        Returns:
            Whether they came to their end in time; what a worker threw away, since it did not know it, has none.

        Raises:
            SpoolError: A record file is damaged.
        """
        deadline_s = time.monotonic() + timeout_s
        ending, away = Since(), Total()
        while True:
            self._tend()
            book = self.book
            away.count(self.rescue.outage.waits)
            if book.overtaken():
                self.rescue.muster()  # what another delivery has overtaken may have lost its process unreported
            self._give_up()
            unacknowledged_s = ending.duration_s(bool(book.ending) and not book.open and not self.rescue.parting)
            if len(book.open) <= until_open and (
                until_open or not book.ending or unacknowledged_s > ACKNOWLEDGE_GRACE_S
            ):
                # The files are read one after the other: what is in the first ones may be older
                # than what was found in the last.
                self._tend()
                if not until_open:
                    self.rescue.outage.expect_returned()
                if len(book.open) <= until_open:
                    return bool(until_open) or not book.unknown
            left_s = deadline_s + min(away.seconds, MOST_S) - time.monotonic()
            if left_s <= 0 or self.rescue.hopeless:
                return False
            self._tell()
            patience_s = min(left_s, self._duplicates.patience_s)
            self._reader.spool.wait(patience_s, *self.pool.exit_fds, ends=len(book.open) - until_open)

    def _tend(self) -> None:
        """Take in what was recorded by now, and do what follows from it."""
        now_ns = time.monotonic_ns()
        self._reader.pump()
        self.rescue.tend()
        self._duplicates.tend(now_ns)

    def _tell(self) -> None:
        published = len(self.book.last_attempt)
        self._progress(published, published - len(self.book.open), len(self.book.failed), self.pace)

    def _give_up(self) -> None:
        """Give up what was acknowledged late, by a worker that need not run it again, and whose process is gone.

        Source:
            ``on_failure`` in celery/worker/request.py, as of 5.7: a dead child may have stored its result before.
        """
        late = {name for name, options in self._reader.ledger.tasks.items() if options.acks_late}
        for draft in self.book.forsaken(late):
            self.rescue.muster()
            if (draft.boot, draft.pid) in self.book.gone:
                self.book.lose(draft.key[0])

    def until(self, find: Callable[[], T | None], timeout_s: float) -> T | None:
        """Wait until something is found in the records.

        Args:
            find: Returns it, or None.
            timeout_s: Seconds.

        Returns:
            What was found; None if it was not found in time.
        """
        deadline_s = time.monotonic() + timeout_s
        while True:
            self._tend()
            found = find()
            left_s = deadline_s - time.monotonic()
            if found is not None or left_s <= 0:
                return found
            self._reader.spool.wait(min(left_s, self._duplicates.patience_s), *self.pool.exit_fds)

    def attend(self, until_s: float) -> None:
        """Take in what is recorded, at least once, and do what follows from it, until a time by the monotonic clock."""
        while True:
            self._tend()
            self._tell()
            left_s = until_s - time.monotonic()
            if left_s <= 0:
                return
            self._reader.spool.wait(min(left_s, self._duplicates.patience_s), *self.pool.exit_fds)

    @property
    def journal(self) -> Journal:
        """Where the test process writes down what it publishes."""
        return self._reader.journal

    def records(self) -> History:
        """Return what was recorded by now, without asking the broker."""
        self._reader.pump()
        return self._frozen()

    @property
    def orders(self) -> tuple[FaultOrder, ...]:
        """What tasks that are published now must suffer."""
        return tuple(self._faults)

    def unmet(self, kind: str, task: str | None) -> str:
        """Say what the test's workers lack for a fault; see `worker.needs.unmet`."""
        return unmet(kind, task, self.pool.topology, self.app)

    def pump(self) -> None:
        """Take in what was recorded by now."""
        self._reader.pump()

    @property
    def workers(self) -> Mapping[str, WorkerInfo]:
        """What the workers have said of themselves, by boot."""
        return self._reader.ledger.workers

    def end(self, *, watchful: bool) -> History:
        """Return what has happened, for good.

        Args:
            watchful: Whether to ask broker and result backend even though nothing seems to be amiss.
        """
        self.rescue.tend()
        self.rescue.muster()
        history = self.history("the end", watchful=watchful)
        if not watchful or history.end is None:
            return history
        return replace(history, states=states_of(self.app, self.book.last_attempt))

    def history(self, moment: str = "now", *, watchful: bool = False) -> History:
        """Return what has happened by now, the state of the broker included.

        Args:
            moment: What to call this moment.
            watchful: Whether to ask the broker even though nothing seems to be amiss.
        """
        self._reader.pump()
        snapshot = None
        if watchful or self._lookout.alarmed or self.book.open or self.book.ending:
            snapshot = self._lookout.look(moment)
            self._reader.pump()  # whatever the broker held no longer has been recorded since
        history = self._gauges.told(self._frozen())
        return replace(
            history,
            snapshots=(*history.snapshots, *((snapshot,) if snapshot else ())),
            stuck_unacked=snapshot.unacked if snapshot else (),
        )

    def _frozen(self) -> History:
        members = (member.boot for member in (*self.pool.retired, *self.pool.members))
        return freeze(self.book, self._reader.ledger, members)
