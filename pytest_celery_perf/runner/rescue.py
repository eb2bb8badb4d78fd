"""What production does after a crash, without the waiting: a supervisor, and the visibility timeout."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

from pytest_celery_perf.broker import inspect
from pytest_celery_perf.collect.book import Book, Draft
from pytest_celery_perf.model.record import Fault
from pytest_celery_perf.probe.faults import FaultOrder, directory_beside, gate_path
from pytest_celery_perf.runner.pool import Member, Pool
from pytest_celery_perf.runner.reader import Reader

RECONNECT_S = 10.0
"""Workers are back at a restarted broker after about 4 s. What they have neither acknowledged nor
put back by then, though they do not run it, they have forgotten with their old connection."""
LOOK_AGAIN_S = 1.0
"""Longer than a message is on its way from its queue to ``unacked``."""


class Rescue:
    """Looks after the workers and the broker of one test.

    A worker that died of an ordered fault gets a successor, as from a supervisor, and its
    unacknowledged messages go back to their queues at once, as the broker does when the
    visibility timeout has passed. A worker that died of anything else stays dead: that is
    for the diagnosis.

    Args:
        book: The test's records.
        pool: Its workers.
        reader: Reads the records.
        app: The Celery app, in the test process.
        faults: What its markers order; one that kills the broker needs a gate.
    """

    def __init__(self, book: Book, pool: Pool, reader: Reader, app: Any, faults: list[FaultOrder]) -> None:
        self._book = book
        self._pool = pool
        self._reader = reader
        self._app = app
        self._directory = directory_beside(pool.probe.doorbell)
        self._gates: list[str] = []
        self._opened: list[int] = []
        self._seen = 0
        self._booting: list[Member] = []
        self._reconnecting_until_s: float | None = None
        self._broken_ns = 0
        self._missing: set[str] = set()
        self._look_again_s: float | None = None
        self._dead: set[str] = set()
        for order in faults:
            if order.do == "hold":
                self._gates.append(gate_path(self._directory, book.token, order.key))
                os.mkfifo(self._gates[-1], 0o600)

    @property
    def hopeless(self) -> bool:
        """Whether no worker is left that could still finish anything, as of the last call of `tend`."""
        # One that has died since then may be replaced by the next call.
        return all(member.boot in self._dead for member in self._pool.members)

    def tend(self) -> None:
        """Deal with what has happened since the last call."""
        while self._seen < len(self._book.faults):
            fault = self._book.faults[self._seen]
            self._seen += 1
            if fault.kind != "raise":
                self._pool.hurt = True
            if fault.kind == "hold":
                self._break_broker(fault)
        for member in list(self._pool.members):
            if not member.worker.alive and member.boot not in self._dead:
                self._on_death(member)
        if self._reconnecting_until_s is not None and time.monotonic() > self._reconnecting_until_s:
            self._reconnecting_until_s = None
            self._restore_forgotten()
        if self._look_again_s is not None and time.monotonic() > self._look_again_s:
            self._look_again_s = None
            self._give_up_missing()
        booted = [member for member in self._booting if member.boot in self._reader.ledger.workers]
        for member in booted:
            self._booting.remove(member)
            self._note("worker-restarted", boot=member.boot, pid=member.worker.pid)

    def _on_death(self, member: Member) -> None:
        self._dead.add(member.boot)
        self._pool.hurt = True
        self._reader.pump()  # what it wrote last: which messages it held, and whether it was told to die
        ordered = any(
            fault.boot == member.boot and fault.kind in ("kill-worker", "kill-child") for fault in self._book.faults
        )
        broken = any(fault.kind == "kill-broker" for fault in self._book.faults)
        if not ordered:
            last = "".join(member.worker.log_tail(1))
            detail = f"exit status {member.worker.exit_status}{f', {last}' if last else ''}"
            self._note("worker-died", boot=member.boot, pid=member.worker.pid, detail=detail)
        if ordered or broken:
            self._booting.append(self._pool.replace(member))
            self._restore(member.boot)

    def _restore(self, boot: str) -> None:
        """Put a dead worker's messages back, and give up those that the broker has no longer."""
        held = [draft for draft in self._drafts(boot) if draft.acknowledged_ns is None and draft.requeued_ns is None]
        tags = [draft.received.tag for draft in held if draft.received is not None]
        restored = inspect.restore(self._app, tags)
        if restored:
            self._note("restored", boot=boot, detail=f"{restored} of {len(tags)} messages")
        for draft in self._drafts(boot):
            if draft.acknowledged_ns is not None and draft.outcome is None:
                self._book.lose(draft.key[0])

    def _restore_forgotten(self) -> None:
        """Put back, as the visibility timeout would, what living workers have dropped with their connection.

        Source:
            ``on_close`` in celery/worker/consumer/consumer.py forgets what was received and not begun;
            an acknowledgment over the old connection fails.
        """
        held = {each.tag for each in inspect.unacked_ids(self._app)}
        tags = {
            draft.received.tag: task_id
            for task_id, drafts in self._book.executions.items()
            for draft in drafts.values()
            if draft.received is not None and draft.received.tag in held
            if draft.received.ns < self._broken_ns and (draft.started is None or draft.outcome is not None)
        }
        if tags:
            restored = inspect.restore(self._app, tags)
            self._note("restored", detail=f"{restored} of {len(tags)} messages")
        self._book.forgive(but=tags.values())
        self._missing = self._find_missing()
        self._look_again_s = time.monotonic() + LOOK_AGAIN_S if self._missing else None

    def _find_missing(self) -> set[str]:
        """Return the tasks that were published before the broker died, and that nobody has: no queue, no worker."""
        waiting = {
            task_id: publishing.queue
            for (task_id, retries), publishing in self._book.publishing.items()
            if task_id in self._book.open and retries == self._book.last_attempt[task_id]
            if publishing.ns < self._broken_ns and publishing.queue and self._book.latest(task_id) is None
        }
        depths = inspect.queue_depths(self._app, {*waiting.values()})
        held = {each.task_id for each in inspect.unacked_ids(self._app)}
        return {task_id for task_id, queue in waiting.items() if not depths[queue] and task_id not in held}

    def _give_up_missing(self) -> None:
        self._reader.pump()
        for task_id in self._missing & self._find_missing():
            self._note("vanished", task_id=task_id)
            self._book.lose(task_id)

    def _drafts(self, boot: str) -> list[Draft]:
        return [draft for drafts in self._book.executions.values() for draft in drafts.values() if draft.boot == boot]

    def _break_broker(self, fault: Fault) -> None:
        broker = self._pool.broker
        broker.kill()
        self._broken_ns = time.monotonic_ns()
        self._note("kill-broker", task_id=fault.task_id, pid=broker.pid, point=fault.point)
        broker.restart()
        self._note("broker-restarted", pid=broker.pid)
        self._book.strike(self._book.open | self._book.ending)
        self._reconnecting_until_s = time.monotonic() + RECONNECT_S
        self._open_gates()

    def _open_gates(self) -> None:
        # For writing and reading, and kept: whoever waits there, now or in a moment, goes on.
        self._opened += [os.open(gate, os.O_RDWR | os.O_CLOEXEC) for gate in self._gates]

    def _note(self, kind: str, **facts: Any) -> None:
        self._book.faults.append(Fault(kind=kind, at_ns=time.monotonic_ns(), **facts))

    def close(self) -> None:
        """Let go whoever still waits at a gate."""
        self._open_gates()
        for descriptor in self._opened:
            os.close(descriptor)
        for gate in self._gates:
            Path(gate).unlink()
