"""The broker is away: by order of a task or of the test; then what its return and the visibility timeout bring."""

from __future__ import annotations

import contextlib
import time
from typing import Any
from urllib.parse import urlsplit

from pytest_celery_perf.broker import inspect
from pytest_celery_perf.collect.book import Book
from pytest_celery_perf.collect.draft import Draft, Key
from pytest_celery_perf.errors import BrokerError
from pytest_celery_perf.model.faults import DATA_LOST, Fault
from pytest_celery_perf.probe import wire
from pytest_celery_perf.probe.orders import FaultOrder
from pytest_celery_perf.runner.deliveries import is_of
from pytest_celery_perf.runner.gates import Gates
from pytest_celery_perf.runner.orphans import Orphans
from pytest_celery_perf.runner.pool import Pool

RECONNECT_S = 10.0
"""Workers are back at a restarted broker after about 4 s, whether they tell or not. What they have neither acknowledged
nor put back by then, though they do not run it, they have forgotten with their old connection."""
MOST_S = 2 * RECONNECT_S
"""For how long a test waits for that beyond its own time: connections may break again and again."""
BACK_S = 1.0
"""How long after all of them are known to be back: what a child has begun meanwhile is recorded, and what a worker has
found in its own memory, it has begun."""
ACKNOWLEDGE_GRACE_S = 3.0
"""How long a task that has ended may wait for the acknowledgment of a worker that goes on. It follows within
milliseconds; of gevent workers before Celery 5.7 only once they have waited a second for another message. After a
broken connection it may never come, and then the broker is asked.

Source:
    ``synloop`` in celery/worker/loops.py, and since 5.7 ``Consumer.call_soon_ack``.
"""


class Outage:
    """Kills, stops and restarts the broker of one test, or breaks the connections to it, and sees after its messages.

    A task that is to see the broker die waits at a gate until the broker is back.

    Args:
        book: The test's records.
        pool: Its workers.
        app: The Celery app, in the test process.
        faults: What its markers order.
        gates: Where its tasks wait.
        orphans: Looks after what nobody holds.
    """

    def __init__(
        self, book: Book, pool: Pool, app: Any, *, faults: list[FaultOrder], gates: Gates, orphans: Orphans
    ) -> None:
        self._book = book
        self._pool = pool
        self._app = app
        self._faults = faults
        self._gates = gates
        self._orphans = orphans
        self.down = False
        """Whether the broker does not answer, by order."""
        self._look_s: float | None = None
        """When to see after the messages, by the monotonic clock."""
        self._before: dict[str, wire.Forgot | None] = {}
        """When which worker had forgotten its messages, as of the last break; None if never."""
        self._returning = False
        """Whether workers are waited for, of which some were not back at the last call of `tend`."""
        self._broke = False
        """Whether connections have ever been broken, or the broker been away, by order."""
        self._looked: dict[str, wire.Forgot] = {}
        """When which worker had forgotten its messages, as of the last look."""
        self._run_on: set[Key] = set()
        """What ran on, at the last look, though its connection had broken."""

    def strike(self, fault: Fault) -> None:
        """Kill the broker and start it again, while a task waits at its gate."""
        self.kill(point=fault.point, task_id=fault.task_id)
        self.restart()
        for order in self._faults:
            if order.do == "outage":
                self._gates.open(order.key)

    def kill(self, *, keep_data: bool = True, point: str = "", task_id: str | None = None) -> None:
        """Kill the broker.

        Args:
            keep_data: Whether it comes back with its data.
            point: At which point of a task, if that has ordered it.
            task_id: Which task.
        """
        broker = self._pool.broker
        pid = broker.pid
        detail = "" if keep_data else DATA_LOST
        broker.kill(keep_data=keep_data)
        self._book.note("kill-broker", task_id=task_id, pid=pid, point=point, detail=detail)
        self._goes_down()

    def restart(self) -> None:
        """Start the killed broker again."""
        self._pool.broker.restart()
        self._book.note("broker-restarted", pid=self._pool.broker.pid)
        self.broke()

    def pause(self, *, point: str = "", task_id: str | None = None) -> None:
        """Have the broker answer nobody; see `kill` for the arguments."""
        self._pool.broker.pause()
        self._book.note("pause-broker", pid=self._pool.broker.pid, point=point, task_id=task_id)
        self._goes_down()

    def resume(self) -> None:
        """Have the paused broker go on."""
        self._pool.broker.resume()
        self._book.note("broker-resumed", pid=self._pool.broker.pid)
        self.broke()

    def drop_connections(self, *, point: str = "", task_id: str | None = None) -> int:
        """Have the broker close the connections of this test; see `kill` for the arguments.

        Returns:
            How many there were.
        """
        dropped = self._pool.broker.drop_connections(urlsplit(self._pool.probe.broker_url or "").path)
        detail = f"{dropped} connections"
        self._book.note("drop-connections", pid=self._pool.broker.pid, point=point, task_id=task_id, detail=detail)
        self.broke()
        return dropped

    def listeners(self) -> frozenset[str]:
        """Return the addresses of those who wait for a message at this test's broker right now."""
        return self._pool.broker.listeners(urlsplit(self._pool.probe.broker_url or "").path)

    def broke(self) -> None:
        """Learn that the workers' connections to the broker may have broken, and can be made again."""
        if not self.down:
            self._remember()
        self.down, self._broke, self._returning = False, True, True
        self._book.strike(self._book.open | self._book.ending)
        self._look_in(RECONNECT_S)

    def _remember(self) -> None:
        self._before = {member.boot: self._book.forgot.get(member.boot) for member in self._pool.members}

    def _look_in(self, seconds: float) -> None:
        self._look_s = time.monotonic() + seconds

    def _goes_down(self) -> None:
        self._remember()
        self.down = True
        self._look_s = None
        self._run_on = set()
        self._orphans.forget()

    def expect_returned(self) -> None:
        """Expect those tasks to run again that have ended, and whose message a broken connection has brought back.

        Source:
            A worker that loses its connection gives back what it has not acknowledged, though it still runs it:
            ``Channel.close`` in kombu/transport/virtual/base.py. What it acknowledges later is another delivery, or
            nothing.
        """
        if not self._broke:
            return
        queues = {publishing.queue for publishing in self._book.publishing.values() if publishing.queue}
        with contextlib.suppress(BrokerError):
            found = inspect.contents(self._app, sorted(queues))
            there = {each.task_id for each in found.unacked}.union(*(ids for _, ids in found.queues))
            returned = there & self._book.executions.keys() - self._book.open - self._book.ending
            for task_id in returned:
                if not self._book.kept(task_id):
                    self._book.expect_again(task_id)
            if returned:  # if a connection broke again, they may have gone astray on their way to a worker
                self._orphans.suspect()

    @property
    def waits(self) -> bool:
        """Whether the workers are given time, which is not the tasks' own."""
        return self._look_s is not None

    @property
    def due(self) -> bool:
        """Whether the workers have had the time to reconnect, so that `tend` will see after their messages."""
        return self._look_s is not None and time.monotonic() > self._look_s

    def tend(self) -> None:
        """See after the messages, once the workers have had the time to reconnect; of what runs on then, after that."""
        if self._look_s is not None and self._returning and self._are_back():
            self._returning = False
            self._look_s = min(self._look_s, time.monotonic() + BACK_S)
        if self.due:
            self._look_s = None
            self._looked = dict(self._book.forgot)
            self._restore_forgotten()
            self._orphans.suspect()
        if self._look_s is None and self._broke and self._looked != self._book.forgot:  # one has noticed it only now
            self._look_in(RECONNECT_S)

    def _are_back(self) -> bool:
        """Tell whether all living workers have noticed that their connection broke, and take messages over another."""
        living = [member.boot for member in self._pool.members if member.worker.alive]
        forgot = self._book.forgot
        if any(boot in self._before and self._before[boot] == forgot.get(boot) for boot in living):
            return False
        received = {
            (draft.boot, draft.key[2]) for drafts in self._book.executions.values() for draft in drafts.values()
        }
        again = {boot for boot, received_ns in received if boot in forgot and received_ns > forgot[boot].ns}
        return again.issuperset(living) or len(self.listeners()) >= len(living)

    def _restore_forgotten(self) -> None:
        """Put back, as the visibility timeout would, what living workers have dropped with their connection.

        Source:
            ``on_close`` in celery/worker/consumer/consumer.py forgets what was received and not begun, and
            ``AsynPool.flush`` in celery/concurrency/asynpool.py what has begun unbeknown to it, whose end it ignores;
            an acknowledgment over the old connection fails, and so does the return of what a dead child ran.
        """
        held = {each.tag: each for each in inspect.unacked_ids(self._app)}
        left = [
            draft
            for drafts in self._book.executions.values()
            for draft in drafts.values()
            if draft.received is not None and draft.received.tag in held
            if is_of(held[draft.received.tag], draft.received)
        ]
        forgotten = [draft for draft in left if self._book.forgotten(draft)]
        ran, self._run_on = self._run_on, {draft.key for draft in forgotten if self._runs(draft)}
        # What has ended since the last look may be about to be acknowledged.
        due = [draft for draft in forgotten if draft.key not in ran | self._run_on]
        if tags := dict.fromkeys(draft.received.tag for draft in due if draft.received is not None):
            restored = inspect.restore(self._app, tags)
            self._book.note("restored", detail=f"{len(restored)} of {len(tags)} messages")
        if len(due) < len(forgotten):
            self._look_in(ACKNOWLEDGE_GRACE_S)
        self._book.forgive(but=(draft.key[0] for draft in left))

    def _runs(self, draft: Draft) -> bool:
        return draft.runs and not self._book.is_gone(draft)
