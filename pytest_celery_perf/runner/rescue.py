"""What production does after a crash, without the waiting: a supervisor, and the visibility timeout."""

from __future__ import annotations

import math
import time
from typing import Any, Protocol

from pytest_celery_perf.broker import inspect
from pytest_celery_perf.collect.book import Book
from pytest_celery_perf.collect.draft import Draft
from pytest_celery_perf.faults.lasting import Lasting
from pytest_celery_perf.model.faults import SUPERVISOR_GRACE_S, Fault
from pytest_celery_perf.probe.orders import AWAITED, FaultOrder
from pytest_celery_perf.runner.deliveries import is_of
from pytest_celery_perf.runner.gates import Gates
from pytest_celery_perf.runner.lookout import Lookout
from pytest_celery_perf.runner.orphans import Orphans
from pytest_celery_perf.runner.outage import Outage
from pytest_celery_perf.runner.pool import Member, Pool
from pytest_celery_perf.runner.reader import Reader


class Helper(Protocol):
    """Carries out faults in the test process."""

    def answer(self, fault: Fault) -> None:
        """Carry out a fault for which a task waits, and let the task go on."""

    def tend(self) -> None:
        """Undo what has lasted for as long as it should."""


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
        faults: What its markers order.
        gates: Where its tasks wait.
        lookout: Takes snapshots of the broker.
    """

    def __init__(
        self,
        book: Book,
        pool: Pool,
        reader: Reader,
        app: Any,
        *,
        faults: list[FaultOrder],
        gates: Gates,
        lookout: Lookout,
    ) -> None:
        self._book = book
        self._pool = pool
        self._reader = reader
        self._app = app
        self._lookout = lookout
        self._orphans = Orphans(book, reader, app, self._living, self._listening)
        self.outage = Outage(book, pool, app, faults=faults, gates=gates, orphans=self._orphans)
        self._seen = 0
        self._booting: list[Member] = []
        self._vacant: list[Member] = []
        """The dead who are still to be succeeded."""
        self._dead: set[str] = set()
        self.helper: Helper | None = None
        """Who carries out the faults for which tasks wait."""
        self._unattended: set[str] = set()
        self._ends_by_s: dict[str, float] = {}
        """When the supervisor kills a worker that was told to end, by the monotonic clock."""
        self._owed: list[str] = []
        """The dead workers whose messages are to be put back, as soon as the broker answers."""

    def _living(self) -> set[str]:
        return {member.boot for member in self._pool.members} - self._dead

    def _listening(self) -> bool:
        """Tell whether all workers wait for messages that live and have booted: before that they take none."""
        return len(self.outage.listeners()) >= len(self._living() & self._reader.ledger.workers.keys())

    @property
    def hopeless(self) -> bool:
        """Whether no worker is left that could still finish anything, as of the last call of `tend`."""
        # One that has died since then may be replaced by the next call.
        return all(member.boot in self._dead for member in self._pool.members)

    @property
    def parting(self) -> bool:
        """Whether a worker that was told to end and still lives holds messages: it may acknowledge them at its end."""
        leaving = (each.boot for each in self._pool.members if each.worker.alive and self._book.leaving(each.boot))
        return any(self._book.held_by(boot) for boot in leaving)

    def tend(self) -> None:
        """Deal with what has happened since the last call."""
        while self._seen < len(self._book.faults):
            fault = self._book.faults[self._seen]
            self._seen += 1
            if not fault.harmless:
                self._pool.hurt = True
            self._answer(fault)
        if self.helper is not None:
            self.helper.tend()
        for member in list(self._pool.members):
            if time.monotonic() > self._ends_by_s.get(member.boot, math.inf) and member.worker.alive:
                self._lose_patience(member)
            if not member.worker.alive and member.boot not in self._dead:
                self._on_death(member)
        if not self.outage.down:
            self._tend_messages()
        # After that: whether a successor finds a message that was put back, or takes another one first, is no chance.
        self._booting += [self._pool.replace(member) for member in self._vacant]
        self._vacant.clear()
        booted = [member for member in self._booting if member.boot in self._reader.ledger.workers]
        for member in booted:
            self._booting.remove(member)
            worker = self._reader.ledger.workers[member.boot]
            # By the time it was seen, the worker may have taken messages.
            ready_ns = worker.ready_ns if worker.comparable_clock else None
            self._book.note("worker-restarted", at_ns=ready_ns, boot=member.boot, pid=member.worker.pid)
        self._lookout.tend(down=self.outage.down)

    def _tend_messages(self) -> None:
        while self._owed:
            boot = self._owed.pop()
            self.restore(boot)
            self._give_up(boot)
            self._orphans.suspect()
        self._orphans.tend()
        if self.outage.due:
            self.muster()
        self.outage.tend()

    def muster(self) -> None:
        """Note which tasks have lost their process though nobody reported it, such as those that a worker cut off."""
        # A frozen container takes no signal, not even one that only asks.
        awake = [each for each in self._pool.members if each.worker.alive and not self._book.frozen(each.boot)]
        for member in awake:
            for draft in self._drafts(member.boot):
                if draft.pid and self._lacks_end(draft) and not member.worker.send_signal(draft.pid, 0):
                    self._reader.pump()  # what it wrote last: the end, if it went after that
                    if self._lacks_end(draft):
                        self._book.note("process-gone", task_id=draft.key[0], pid=draft.pid, boot=member.boot)
                        self._book.bury(member.boot, draft.pid)

    def _lacks_end(self, draft: Draft) -> bool:
        """Tell whether an execution has begun, and neither its end nor that of its process is known."""
        begun = draft.started is not None and draft.outcome is None and draft.requeued_ns is None
        return begun and (draft.boot, draft.pid) not in self._book.gone

    def _answer(self, fault: Fault) -> None:
        """Do that for which a task waits, or what a supervisor does."""
        if fault.kind == "stop-worker" and fault.boot is not None:
            self._ends_by_s.setdefault(fault.boot, time.monotonic() + SUPERVISOR_GRACE_S)
        if fault.kind == "outage":
            self.outage.strike(fault)
        elif fault.kind.startswith(AWAITED) and self.helper is not None:
            self.helper.answer(fault)

    def expect_end(self, boot: str, grace_s: float) -> None:
        """Have a worker killed that does not end in so many seconds though it was told to."""
        self._ends_by_s[boot] = time.monotonic() + grace_s

    def _lose_patience(self, member: Member) -> None:
        del self._ends_by_s[member.boot]
        detail = "SIGKILL by its supervisor, as it has not ended in time"
        self._book.note("kill-worker", boot=member.boot, pid=member.worker.pid, detail=detail)
        member.worker.kill()

    def leave(self, boot: str) -> Lasting:
        """Have no supervisor see after a worker, until that is healed."""
        self._unattended.add(boot)
        return Lasting(lambda: self._attend(boot))

    def _attend(self, boot: str) -> None:
        """Have a supervisor see after a worker again; if it has died meanwhile, it gets a successor now."""
        self._unattended.discard(boot)
        for member in list(self._pool.members):
            if member.boot == boot and boot in self._dead:
                self._booting.append(self._pool.replace(member))

    def _on_death(self, member: Member) -> None:
        self._dead.add(member.boot)
        self._pool.hurt = True
        self._reader.pump()  # what it wrote last: which messages it held, and whether it was told to die
        self._book.bury(member.boot)
        ordered = any(fault.boot == member.boot and fault.deadly for fault in self._book.faults)
        broken = any(fault.disconnects for fault in self._book.faults)
        detail = f"exit status {member.worker.exit_status}"
        last = "" if ordered else "".join(member.worker.log_tail(1))
        self._book.note(
            "worker-ended" if ordered else "worker-died",
            boot=member.boot,
            pid=member.worker.pid,
            detail=f"{detail}, {last}" if last else detail,
        )
        self._lookout.tend(down=self.outage.down)  # before anything is put back: what the dead worker held
        if ordered or broken:
            if self._pool.links is not None:
                # A broker that has not heard of the death yet would send the dead worker what is put back.
                self._pool.links.hang_up(member.spec.name)
            self._owed.append(member.boot)
            if member.boot not in self._unattended:
                self._vacant.append(member)

    def restore(self, boot: str) -> list[str]:
        """Put a worker's messages back, and return the ids of their tasks."""
        held = {draft.received.tag: draft.received for draft in self._book.held_by(boot) if draft.received is not None}
        worker = self._reader.ledger.workers.get(boot)
        comparable = worker is None or worker.comparable_clock
        tags = [
            message.tag
            for message in inspect.unacked_ids(self._app)
            if message.tag in held and (not comparable or is_of(message, held[message.tag]))
        ]
        if restored := inspect.restore(self._app, tags):
            self._book.note("restored", boot=boot, detail=f"{len(restored)} of {len(held)} messages")
        return [held[tag].id for tag in restored]

    def redeliver(self, boot: str) -> list[str]:
        """Put a living worker's messages back, expect what comes of them, and return the ids of their tasks."""
        restored = self.restore(boot)
        for task_id in restored:
            self._book.expect_again(task_id)
        return restored

    def _give_up(self, boot: str) -> None:
        """Give up those messages of a dead worker that the broker has no longer."""
        for draft in self._drafts(boot):
            task_id, attempt, _ = draft.key
            last = self._book.last_attempt[task_id]
            goes_on = attempt < last and (task_id, last) in self._book.confirmed
            if not goes_on and draft.acknowledged_ns is not None and draft.outcome is None:
                self._book.lose(task_id)

    def _drafts(self, boot: str) -> list[Draft]:
        return [draft for drafts in self._book.executions.values() for draft in drafts.values() if draft.boot == boot]
