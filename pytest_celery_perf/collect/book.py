"""What is known about the tasks of one test, while it still comes in."""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from collections.abc import Container, Iterable
from dataclasses import dataclass, field
from typing import Any

from pytest_celery_perf.collect.draft import Draft, Key
from pytest_celery_perf.model.faults import Fault
from pytest_celery_perf.model.history import Snapshot
from pytest_celery_perf.model.record import Execution, Outcome
from pytest_celery_perf.probe import wire


@dataclass(slots=True)
class Book:
    """The records of one test, and which of its tasks have not come to their end.

    A task is *open* while another record of it must come, be it of an earlier delivery that still runs beside the last
    one; it is *ending* when its last execution has ended and only an acknowledgment, or the end of an earlier attempt,
    is to come.
    """

    token: str
    publishing: dict[tuple[str, int], wire.Publishing] = field(default_factory=dict)
    publisher: dict[tuple[str, int], str] = field(default_factory=dict)
    """The boot that published; empty for the test process."""
    confirmed: set[tuple[str, int]] = field(default_factory=set)
    executions: dict[str, dict[Key, Draft]] = field(default_factory=lambda: defaultdict(dict))
    """By task id."""
    discarded: dict[str, Outcome] = field(default_factory=dict)
    """Tasks that no worker will run: revoked, expired, or unknown to the worker."""
    expired: set[str] = field(default_factory=set)
    """Those among the discarded whose messages had expired."""
    copies: Counter[tuple[str, int]] = field(default_factory=Counter)
    """How often each was delivered again on purpose: every delivery is waited for."""
    unknown: dict[str, wire.Unknown] = field(default_factory=dict)
    lost: set[str] = field(default_factory=set)
    """Tasks that began and can neither end nor be delivered again."""
    faults: list[Fault] = field(default_factory=list)
    snapshots: list[Snapshot] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    _open: set[str] = field(default_factory=set)
    _ending: set[str] = field(default_factory=set)
    _failed: set[str] = field(default_factory=set)
    _unsettled: set[str] = field(default_factory=set)
    """Tasks of which more is known than when it was decided what they are."""
    struck: set[str] = field(default_factory=set)
    """Tasks whose process or broker was killed: after their end, too, their message may come back."""
    last_attempt: dict[str, int] = field(default_factory=dict)
    doubtful: set[str] = field(default_factory=set)
    """Tasks of which an execution may be waited for in vain: of others, no wait need look at each."""
    dead: set[str] = field(default_factory=set)
    """The boots of workers that have ended."""
    forgot: dict[str, wire.Forgot] = field(default_factory=dict)
    """When a worker has last forgotten what it had received and not begun, by boot and by its own clock."""
    gone: set[tuple[str, int | None]] = field(default_factory=set)
    """(boot, pid) of processes of living workers that have ended, or are about to."""

    def draft(self, key: Key) -> Draft:
        """Return the execution of that key, beginning it if it is new."""
        drafts = self.executions[key[0]]
        if key not in drafts:
            if drafts:
                self.doubtful.add(key[0])
            drafts[key] = Draft(key)
            self.last_attempt[key[0]] = max(self.last_attempt.get(key[0], 0), key[1])
        return drafts[key]

    def publish(self, record: wire.Publishing, boot: str) -> None:
        """Enter a publication that was begun."""
        key = (record.id, record.retries)
        # A publish that is tried again is announced again: the first time counts.
        self.publishing.setdefault(key, record)
        self.publisher.setdefault(key, boot)
        if record.retries:
            self.doubtful.add(record.id)
        self.last_attempt[record.id] = max(self.last_attempt.get(record.id, 0), record.retries)

    def note(self, kind: str, *, at_ns: int | None = None, **facts: Any) -> None:
        """Enter what the test process itself does or sees.

        Args:
            kind: See `Fault`.
            at_ns: When it happened, if that is known, by the monotonic clock; else now.
            facts: Its other fields.
        """
        self.faults.append(Fault(kind=kind, at_ns=time.monotonic_ns() if at_ns is None else at_ns, **facts))

    def accepted(self, execution: Execution) -> bool:
        """Tell whether the main process of its worker knows that an execution has begun, or that it has ended."""
        key = (execution.task_id, execution.retries, execution.received_ns or 0)
        draft = self.executions[execution.task_id].get(key)
        return draft is not None and (draft.accepted_ns is not None or draft.outcome is not None)

    def leaving(self, boot: str) -> bool:
        """Tell whether a worker was ordered to end."""
        return any(fault.boot == boot and fault.kind in ("kill-worker", "stop-worker") for fault in self.faults)

    def held_by(self, boot: str) -> list[Draft]:
        """Return the executions that a worker has received and neither acknowledged nor put back."""
        return [
            draft
            for drafts in self.executions.values()
            for draft in drafts.values()
            if draft.boot == boot and draft.acknowledged_ns is None and draft.requeued_ns is None
        ]

    def forget(self, boot: str, record: wire.Forgot) -> None:
        """Enter that a worker's connection broke."""
        self.forgot[boot] = record
        self._settle_those_of(boot)

    def forgotten(self, draft: Draft) -> bool:
        """Tell whether a worker will not run a message, unless it has begun to, nor need acknowledge it."""
        forgot = self.forgot.get(draft.boot)
        if forgot is None or draft.key[2] >= forgot.ns:
            return False
        published = self.publishing.get(draft.key[:2])
        scheduled = published is not None and bool(published.waited_s)
        return forgot.submitted or scheduled or draft.started is not None

    def kept(self, task_id: str) -> bool:
        """Tell whether a living worker has ended a task and keeps its message, which it will never acknowledge."""
        latest = self.latest(task_id)
        return latest is not None and latest.unheard and not self.forgotten(latest) and not self.is_gone(latest)

    def frozen(self, boot: str) -> bool:
        """Tell whether a worker was stopped, and has not been made to go on."""
        kinds = [fault.kind for fault in self.faults if fault.boot == boot]
        return kinds.count("freeze-worker") > kinds.count("thaw-worker")

    def is_gone(self, draft: Draft) -> bool:
        """Tell whether the worker of an execution has ended, or the process that ran it."""
        return draft.boot in self.dead or (draft.boot, draft.pid) in self.gone

    def bury(self, boot: str, pid: int | None = None) -> None:
        """Expect no end of what a worker ran.

        Args:
            boot: The worker, which has ended.
            pid: If only this process of it has.
        """
        if pid is None:
            self.dead.add(boot)
        else:
            self.gone.add((boot, pid))
        self._settle_those_of(boot)

    def _settle_those_of(self, boot: str) -> None:
        for task_id, drafts in self.executions.items():
            if any(draft.boot == boot for draft in drafts.values()):
                self.settle(task_id)

    def overtaken(self) -> list[Draft]:
        """Return the executions that are still waited for though a later delivery of their task has come to its end."""
        doubtful = self.open & self.doubtful
        return [draft for task_id in doubtful for draft in self._running(task_id) if draft is not self.latest(task_id)]

    def forsaken(self, late: Container[str]) -> list[Draft]:
        """Return the executions that are still waited for though they were acknowledged, which comes after the end.

        Args:
            late: The names of tasks that are acknowledged late.
        """
        running = (draft for task_id in self.open & self.doubtful for draft in self._running(task_id))
        return [
            draft
            for draft in running
            if draft.acknowledged_ns is not None
            and (published := self.publishing.get(draft.key[:2])) is not None
            and published.name in late
        ]

    def awaited(self, task_id: str) -> Draft | None:
        """Return the execution of a task whose end is waited for: one that runs, else the last one."""
        return next(iter(self._running(task_id)), None) or self.latest(task_id)

    def of_worker(self, task_id: str, boot: str) -> Draft | None:
        """Return the execution that a worker means when it names only the task: one that runs there, else the last."""
        own = [draft for draft in self.executions.get(task_id, {}).values() if draft.boot == boot]
        return max(own, key=lambda draft: (draft.runs, draft.key[2]), default=None)

    def lose(self, task_id: str) -> None:
        """Wait for a task no longer: its process is gone, and its message has left the broker."""
        self.lost.add(task_id)
        self.settle(task_id)

    def strike(self, task_ids: Iterable[str]) -> None:
        """Note that a fault has hit tasks, or their messages."""
        for task_id in list(task_ids):
            self.struck.add(task_id)
            self.settle(task_id)

    def forgive(self, but: Iterable[str] = ()) -> None:
        """Expect no more of the messages that faults have hit.

        Args:
            but: Tasks whose messages are still to come.
        """
        struck = self.struck.difference(but)
        self.struck -= struck
        for task_id in struck:
            self.settle(task_id)

    def copy(self, task_id: str, attempt: int) -> None:
        """Expect one more delivery of a message, which does not take the place of another."""
        self.copies[task_id, attempt] += 1
        self.settle(task_id)

    def expect_again(self, task_id: str) -> None:
        """Expect another delivery of a task that has ended, as the broker has its message again."""
        attempt = self.last_attempt[task_id]
        received = len(self.deliveries(task_id, attempt))
        self.copies[task_id, attempt] = max(received, self.copies[task_id, attempt])
        self.settle(task_id)

    def expect_no_more(self, task_id: str) -> None:
        """Expect no other delivery than there were: its message has gone for good."""
        del self.copies[task_id, self.last_attempt[task_id]]
        self.settle(task_id)

    def deliveries(self, task_id: str, attempt: int) -> list[Draft]:
        """Return the deliveries of an attempt that workers have received, in that order."""
        drafts = [draft for key, draft in self.executions.get(task_id, {}).items() if key[1] == attempt]
        return sorted(drafts, key=lambda draft: draft.key[2])

    def latest(self, task_id: str, attempt: int | None = None) -> Draft | None:
        """Return the last delivery of an attempt (by default the last one), if a worker received it."""
        if attempt is None:
            attempt = self.last_attempt.get(task_id, 0)
        return next(reversed(self.deliveries(task_id, attempt)), None)

    @property
    def open(self) -> set[str]:
        """Tasks of which another record must come."""
        self._decide_all()
        return self._open

    @property
    def ending(self) -> set[str]:
        """Tasks whose last execution has ended, and of which the rest is to come."""
        self._decide_all()
        return self._ending

    @property
    def failed(self) -> set[str]:
        """Tasks whose last execution has failed."""
        self._decide_all()
        return self._failed

    def settle(self, task_id: str) -> None:
        """Have it decided anew whether a task is open, ending or done, when that is asked: not for each record."""
        self._unsettled.add(task_id)

    def _decide_all(self) -> None:
        for task_id in tuple(self._unsettled):
            self._decide(task_id)
            self._unsettled.discard(task_id)  # after that: Ctrl-C may come in between

    def _decide(self, task_id: str) -> None:
        for group in (self._open, self._ending, self._failed):
            group.discard(task_id)
        if self._running(task_id) or self._copied(task_id):
            self._open.add(task_id)
            return
        if task_id in self.discarded or task_id in self.lost:
            return
        latest = self.latest(task_id)
        if latest is None:
            if self._will_come(task_id):
                self._open.add(task_id)
        elif latest.requeued_ns is not None or latest.outcome is None:
            self._open.add(task_id)
        else:
            if latest.acknowledged_ns is None and task_id in self.struck:
                self._open.add(task_id)
            elif (latest.acknowledged_ns is None and not latest.unheard) or self._overtaken(task_id):
                self._ending.add(task_id)
            if latest.outcome in (Outcome.FAILED, Outcome.LOST):
                self._failed.add(task_id)

    def _running(self, task_id: str) -> list[Draft]:
        """Return the executions that have begun, not ended, and whose process lives for all that is known."""
        return [draft for draft in self.executions.get(task_id, {}).values() if draft.runs and not self.is_gone(draft)]

    def _copied(self, task_id: str) -> bool:
        """Tell whether a delivery of a message that was delivered again is still to come or to end."""
        for (other, attempt), copies in self.copies.items():
            if other == task_id:
                drafts = self.deliveries(task_id, attempt)
                # What a worker throws away at once, it records no receipt of; so it will with each other delivery.
                due = len(drafts) <= copies and task_id not in self.discarded
                if due or any(map(self._may_end, drafts)):
                    return True
        return False

    def _may_end(self, draft: Draft) -> bool:
        """Tell whether a delivery has neither ended nor been put back, and its worker has still to end it."""
        never = draft.started is None and (draft.key[0] in self.discarded or self.forgotten(draft))
        return draft.outcome is None and draft.requeued_ns is None and not never and not self.is_gone(draft)

    def _overtaken(self, task_id: str) -> bool:
        """Tell whether an earlier attempt is still ending: it publishes the next one first, which may be faster."""
        earlier = (self.latest(task_id, attempt) for attempt in range(self.last_attempt[task_id]))
        return any(each is not None and self._ends(each) for each in earlier)

    def _ends(self, draft: Draft) -> bool:
        """Tell whether records of an execution's end are to come: of one cut off, only its main process's."""
        if draft.boot in self.dead:
            return False
        cut_off = (draft.boot, draft.pid) in self.gone
        return (draft.acknowledged_ns is None and not draft.unheard) or (draft.outcome is None and not cut_off)

    def _will_come(self, task_id: str) -> bool:
        """Tell whether a worker will receive the last attempt of a task, which none has yet."""
        attempt = self.last_attempt.get(task_id, 0)
        if (task_id, attempt) in self.confirmed:
            return True
        # A retry that is just being published, by an execution that has not ended.
        publisher = self.latest(task_id, attempt - 1)
        return publisher is not None and publisher.outcome is None
