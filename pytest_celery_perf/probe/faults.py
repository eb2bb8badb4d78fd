"""Carries out, inside the worker, the faults that a message asks for.

A message names its faults in its header; see `Header`. Every fault happens at most
``times`` times in a test, whichever process gets there first: the right to carry one out is
a file that only one process can create.
"""

from __future__ import annotations

import contextlib
import functools
import os
import signal
import sys
import time
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn

from pytest_celery_perf.probe import context, raising, strain, wire
from pytest_celery_perf.probe.orders import AGAIN, AWAITED, FaultOrder

if TYPE_CHECKING:
    from pytest_celery_perf.probe.journal import Journal

EARLY_ACKNOWLEDGMENT_S = 5.0
"""Longer than a main process takes to acknowledge what was begun: where threads run the tasks it may first wait
2 s for another message.

Source:
    ``celery.worker.loops.synloop``.
"""

_MOST_HELD = 1000
"""How many greenlets may wait at gates. Each takes a thread, which comes into being when it is needed."""


def directory_beside(doorbell: str) -> str:
    """Return the directory, shared by all workers of a run, where the rights to carry out faults are claimed."""
    return os.path.join(os.path.dirname(doorbell), "faults")


def gate_path(directory: str, token: str, key: str) -> str:
    """Return the FIFO at which a held execution waits until somebody opens it for writing."""
    return os.path.join(directory, f"{token}.{key}.gate")


class Victim(NamedTuple):
    """An execution that may suffer a fault."""

    token: str
    """The test."""
    task_id: str
    received_ns: int
    early: bool = False
    """Whether the main process acknowledges its message about now."""


class Faults:
    """The faults of this worker.

    Args:
        directory: See `directory_beside`.
        journal: Where each fault is written down before it strikes.
    """

    def __init__(self, directory: str, journal: Journal) -> None:
        self._directory = directory
        self._journal = journal
        self._main_pid = os.getpid()

    def strike(self, order: FaultOrder, victim: Victim, *, found: str | None = None) -> None:
        """Carry out a fault, if it has not happened often enough yet.

        Args:
            order: What to do.
            victim: Who suffers it.
            found: At a touch point: what is touched there.

        Raises:
            BaseException: What a ``raise`` order names.
        """
        if struck := self.announce(order, victim, found=found):
            self.carry_out(struck, victim)

    def announce(self, order: FaultOrder, victim: Victim, *, found: str | None = None) -> FaultOrder | None:
        """Write down that a fault strikes now; see `strike`.

        Who reads that may look at once where the message is: what the main process does about it is done before.

        Returns:
            The order to carry out; None if it has happened often enough, or the task has taken another path. Then it
            may still strike another task of the name.
        """
        if found is not None and order.expect not in ("", found):
            if any(not os.path.exists(right) for right in self._rights(order, victim)):
                self._note("diverged", order, victim.task_id)
            return None
        claimed = self._claim(order, victim)
        if claimed is not None:
            self._let_main_process(claimed, victim)
            self._note(claimed.do, claimed, victim.task_id)
        return claimed

    def _note(self, kind: str, order: FaultOrder, task_id: str) -> None:
        self._journal.write(wire.Faulted(time.monotonic_ns(), kind, order.at, task_id, os.getpid()))
        self._journal.ring()

    def _let_main_process(self, order: FaultOrder, victim: Victim) -> None:
        """Wait until it has done what it does within a millisecond of a task's start.

        If it is killed just before it acknowledges early, every such task looks safe; if it is told to stop just before
        it knows of the start, it waits 30 s for nothing; if a child dies before, chance decides what is in unacked; if
        its connection breaks before, it forgets the task. So does whoever acts in the test process while a task waits.

        Source:
            ``celery.worker.request.Request.on_accepted``, whose acknowledgment the event loop carries out a moment
            later; ``AsynPool.flush`` in celery/concurrency/asynpool.py.
        """
        kills_child = order.do == "kill-child"
        waits = order.do in ("hold", "outage") or order.do.startswith(AWAITED)
        if victim.early and (kills_child or waits or order.do == "kill-worker"):
            _await(self._acknowledgment(victim))
        if os.getpid() != self._main_pid and (kills_child or waits or order.signal != signal.SIGKILL):
            _await(self._acceptance(victim))

    def carry_out(self, order: FaultOrder, victim: Victim) -> None:
        """Do what was announced; see `strike`."""
        if order.do in strain.STRAINS:
            strain.STRAINS[order.do]()
        elif order.do.startswith(AWAITED):
            _wait_at(gate_path(self._directory, victim.token, order.key))
        elif order.do == "raise":
            _raise(order)
        elif order.do in AGAIN and order.at == "acknowledgment":
            pass  # the main process must go on
        elif order.do in ("hold", "outage", *AGAIN):
            _wait_at(gate_path(self._directory, victim.token, order.key))
        elif order.do == "kill-child":
            os.kill(os.getpid(), order.signal)
            # One that ends the process does so before the call returns, or its handler raises there.
            self._note("survived", order, victim.task_id)
        elif order.signal == signal.SIGKILL:
            os.killpg(os.getpgid(self._main_pid), signal.SIGKILL)
        else:
            os.kill(self._main_pid, order.signal)

    def acknowledged(self, victim: Victim) -> None:
        """Tell the process that runs a task with faults that its message has left the broker."""
        with contextlib.suppress(OSError):
            os.close(os.open(self._acknowledgment(victim), os.O_CREAT | os.O_WRONLY, 0o600))

    def accepted(self, victim: Victim) -> None:
        """Tell the process that runs a task with faults that the worker's main process knows of its start."""
        with contextlib.suppress(OSError):
            os.close(os.open(self._acceptance(victim), os.O_CREAT | os.O_WRONLY, 0o600))

    def has_come(self, order: FaultOrder, victim: Victim) -> None:
        """Tell the worker's main process, which acknowledges, that an execution has come the way of an order.

        A second delivery waits for the end, not for the acknowledgment, which may be over: it is announced at once.
        """
        if order.do in AGAIN:
            self.announce(order, victim)
        else:
            with contextlib.suppress(OSError):
                os.close(os.open(self._way(order, victim), os.O_CREAT | os.O_WRONLY, 0o600))

    def strikes_acknowledgment(self, order: FaultOrder, victim: Victim, *, late: bool) -> bool:
        """Tell whether a message is acknowledged now of which an order means the acknowledgment.

        Args:
            order: The fault.
            victim: Whose message it is.
            late: Whether that is done after its end: before, it has gone no way yet.
        """
        if order.at != "acknowledgment" or not order.way:
            return order.at == "acknowledgment"
        return order.do not in AGAIN and (not late or os.path.exists(self._way(order, victim)))

    def _way(self, order: FaultOrder, victim: Victim) -> str:
        return os.path.join(self._directory, f"{victim.token}.{victim.task_id}.{victim.received_ns}.{order.way}")

    def _acknowledgment(self, victim: Victim) -> str:
        return os.path.join(self._directory, f"{victim.token}.{victim.task_id}.{victim.received_ns}.acknowledged")

    def _acceptance(self, victim: Victim) -> str:
        return os.path.join(self._directory, f"{victim.token}.{victim.task_id}.{victim.received_ns}.accepted")

    def _claim(self, order: FaultOrder, victim: Victim) -> FaultOrder | None:
        for number, right in enumerate(self._rights(order, victim), 1):
            try:
                os.close(os.open(right, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
            except FileExistsError:
                continue
            if not order.nth:
                return order
            return order.numbered(number) if number in order.nth else None
        return None

    def _rights(self, order: FaultOrder, victim: Victim) -> list[str]:
        """Return the files of which each stands for one execution that the order strikes."""
        whose = f"{order.key}.{victim.task_id}" if order.each else order.key
        numbers = range(max(order.nth, default=order.times))
        return [os.path.join(self._directory, f"{victim.token}.{whose}.{number}") for number in numbers]


def _await(path: str) -> None:
    """Wait for a file by which the main process tells something."""
    deadline_s = time.monotonic() + EARLY_ACKNOWLEDGMENT_S
    while not os.path.exists(path) and time.monotonic() < deadline_s:
        time.sleep(0.001)


def _wait_at(gate: str) -> None:
    def wait() -> None:
        with contextlib.suppress(FileNotFoundError):  # the test is over
            os.close(os.open(gate, os.O_RDONLY))

    if context.has_greenlets():
        # The hub must go on: a thread waits in the greenlet's place.
        _waiters(sys.modules["gevent"].get_hub()).apply(wait)
    else:
        wait()


@functools.cache
def _waiters(hub: Any) -> Any:
    """Return threads to wait in: the hub has but ten of its own, by which greenlets look up whom they connect to."""
    return type(hub.threadpool)(_MOST_HELD, hub=hub)


def _raise(order: FaultOrder) -> NoReturn:
    if order.packed:
        raise raising.unpacked(order.packed)
    raise raising.made(raising.found(order.error), order.args)
