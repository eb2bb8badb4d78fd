"""Carries out, inside the worker, the faults that a message asks for.

A message names its faults in its header; see `Header`. Every fault happens at most
``times`` times in a test, whichever process gets there first: the right to carry one out is
a file that only one process can create.
"""

from __future__ import annotations

import builtins
import contextlib
import importlib
import os
import signal
import sys
import time
from typing import TYPE_CHECKING, Any, NoReturn

from pytest_celery_perf.probe import context, strain, wire
from pytest_celery_perf.probe.orders import AGAIN, AWAITED, FaultOrder

if TYPE_CHECKING:
    from pytest_celery_perf.probe.journal import Journal

EARLY_ACKNOWLEDGMENT_S = 5.0
"""Longer than a main process takes to acknowledge what was begun: where threads run the tasks it may first wait
2 s for another message.

Source:
    ``celery.worker.loops.synloop``.
"""


def directory_beside(doorbell: str) -> str:
    """Return the directory, shared by all workers of a run, where the rights to carry out faults are claimed."""
    return os.path.join(os.path.dirname(doorbell), "faults")


def gate_path(directory: str, token: str, key: str) -> str:
    """Return the FIFO at which a held execution waits until somebody opens it for writing."""
    return os.path.join(directory, f"{token}.{key}.gate")


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

    def strike(
        self, order: FaultOrder, token: str, task_id: str, *, early: bool = False, found: str | None = None
    ) -> None:
        """Carry out a fault, if it has not happened often enough yet.

        Args:
            order: What to do.
            token: The test.
            task_id: The task that suffers it.
            early: Whether the main process acknowledges the task's message about now.
            found: At a touch point: what is touched there.

        Raises:
            BaseException: What a ``raise`` order names.
        """
        if struck := self.announce(order, token, task_id, early=early, found=found):
            self.carry_out(struck, token)

    def announce(
        self, order: FaultOrder, token: str, task_id: str, *, early: bool = False, found: str | None = None
    ) -> FaultOrder | None:
        """Write down that a fault strikes now; see `strike`.

        Who reads that may look at once where the message is: what the main process does about it is done before.

        Returns:
            The order to carry out; None if it has happened often enough, or the task has taken another path. Then it
            may still strike another task of the name.
        """
        if found is not None and order.expect not in ("", found):
            if any(not os.path.exists(right) for right in self._rights(order, token, task_id)):
                self._note("diverged", order, task_id)
            return None
        claimed = self._claim(order, token, task_id)
        if claimed is not None:
            self._let_main_process(claimed, token, task_id, early=early)
            self._note(claimed.do, claimed, task_id)
        return claimed

    def _note(self, kind: str, order: FaultOrder, task_id: str) -> None:
        self._journal.write(wire.Faulted(time.monotonic_ns(), kind, order.at, task_id, os.getpid()))
        self._journal.ring()

    def _let_main_process(self, order: FaultOrder, token: str, task_id: str, *, early: bool) -> None:
        """Wait until it has done what it does within a millisecond of a task's start.

        If it is killed just before it acknowledges early, every such task looks safe; if it is told to stop just before
        it knows of the start, it waits 30 s for nothing; if a child dies before, chance decides what is in unacked.
        """
        kills_child = order.do == "kill-child"
        if early and (kills_child or order.do == "kill-worker"):
            _await(self._acknowledgment(token, task_id))
        if os.getpid() != self._main_pid and (kills_child or order.signal != signal.SIGKILL):
            _await(self._acceptance(token, task_id))

    def carry_out(self, order: FaultOrder, token: str) -> None:
        """Do what was announced; see `strike`."""
        if order.do in strain.STRAINS:
            strain.STRAINS[order.do]()
        elif order.do.startswith(AWAITED):
            _wait_at(gate_path(self._directory, token, order.key))
        elif order.do == "raise":
            _raise(order)
        elif order.do in AGAIN and order.at == "acknowledgment":
            pass  # the main process must go on
        elif order.do in ("hold", "outage", *AGAIN):
            _wait_at(gate_path(self._directory, token, order.key))
        elif order.do == "kill-child":
            os.kill(os.getpid(), order.signal)
        elif order.signal == signal.SIGKILL:
            os.killpg(os.getpgid(self._main_pid), signal.SIGKILL)
        else:
            os.kill(self._main_pid, order.signal)

    def acknowledged(self, token: str, task_id: str) -> None:
        """Tell the process that runs a task with faults that its message has left the broker."""
        with contextlib.suppress(OSError):
            os.close(os.open(self._acknowledgment(token, task_id), os.O_CREAT | os.O_WRONLY, 0o600))

    def accepted(self, token: str, task_id: str) -> None:
        """Tell the process that runs a task with faults that the worker's main process knows of its start."""
        with contextlib.suppress(OSError):
            os.close(os.open(self._acceptance(token, task_id), os.O_CREAT | os.O_WRONLY, 0o600))

    def _acknowledgment(self, token: str, task_id: str) -> str:
        return os.path.join(self._directory, f"{token}.{task_id}.acknowledged")

    def _acceptance(self, token: str, task_id: str) -> str:
        return os.path.join(self._directory, f"{token}.{task_id}.accepted")

    def _claim(self, order: FaultOrder, token: str, task_id: str) -> FaultOrder | None:
        for number, right in enumerate(self._rights(order, token, task_id), 1):
            try:
                os.close(os.open(right, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
            except FileExistsError:
                continue
            if not order.nth:
                return order
            return order.numbered(number) if number in order.nth else None
        return None

    def _rights(self, order: FaultOrder, token: str, task_id: str) -> list[str]:
        """Return the files of which each stands for one execution that the order strikes."""
        whose = f"{order.key}.{task_id}" if order.each else order.key
        numbers = range(max(order.nth, default=order.times))
        return [os.path.join(self._directory, f"{token}.{whose}.{number}") for number in numbers]


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
        # The hub must go on: a thread of gevent's own waits in the greenlet's place.
        sys.modules["gevent"].get_hub().threadpool.apply(wait)
    else:
        wait()


def _raise(order: FaultOrder) -> NoReturn:
    module, _, name = order.error.partition(":")
    error: Any = builtins if module == "builtins" else importlib.import_module(module)
    for part in name.split("."):
        error = getattr(error, part)
    raise error(*order.args)
