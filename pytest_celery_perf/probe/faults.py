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
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NoReturn

from pytest_celery_perf.probe import wire

if TYPE_CHECKING:
    from pytest_celery_perf.probe.journal import Journal

HEADER = "celery_perf"
"""The message header that belongs to this package. It is added to those of the app."""
EARLY_ACKNOWLEDGMENT_S = 5.0
"""Longer than a main process takes to acknowledge what was begun: where threads run the tasks it may first wait
2 s for another message.

Source:
    ``celery.worker.loops.synloop``.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class FaultOrder:
    """One fault, as a message header carries it."""

    key: str
    """Tells the faults of one test apart."""
    task: str | None
    """Name of the task that shall suffer it; None for any."""
    do: str
    """``kill-child``, ``kill-worker``, ``hold`` (until the runner opens the gate), ``outage`` (the same, while the
    runner kills the broker) or ``raise``."""
    at: str
    """``received``, ``started``, ``body``, ``query:N`` or ``finished``; at a touch point
    (`model.record.Point`) ``touch:N``, ``acknowledgment``."""
    times: int = 1
    signal: int = int(signal.SIGKILL)
    error: str = ""
    """``raise``: the exception's module and qualified name, joined by a colon."""
    args: tuple[Any, ...] = ()
    attempt: int | None = None
    """At a touch point: the attempt that shall suffer it, the first being 0; None for any."""
    expect: str = ""
    """At a touch point: its kind and label, joined by a space. If the execution touches something else there, it has
    taken another way: nothing strikes, and ``diverged`` is recorded in the fault's place. Empty: whatever it is."""

    @property
    def query(self) -> int:
        """The number of the query at which it strikes; 0 if it is not about queries."""
        return int(self.at.partition(":")[2] or 0) if self.at.startswith("query:") else 0

    @property
    def touches(self) -> bool:
        """Whether it strikes at a touch point."""
        return self.at == "acknowledgment" or self.at.startswith("touch:")


def orders_for(header: dict[str, Any], name: str) -> tuple[FaultOrder, ...]:
    """Return the faults that a message's header holds for the task of that name."""
    faults = header.get("faults")
    if not faults:
        return ()
    orders = (FaultOrder(**{**fault, "args": tuple(fault.get("args", ()))}) for fault in faults)
    return tuple(order for order in orders if order.task in (None, name))


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

    def strike(self, order: FaultOrder, token: str, task_id: str, *, early: bool = False) -> None:
        """Carry out a fault, if it has not happened often enough yet.

        Args:
            order: What to do.
            token: The test.
            task_id: The task that suffers it.
            early: Whether the main process acknowledges the task's message about now.

        Raises:
            BaseException: What a ``raise`` order names.
        """
        if not self._claim(order, token):
            return
        self._journal.write(wire.Faulted(time.monotonic_ns(), order.do, order.at, task_id, os.getpid()))
        self._journal.ring()
        # Where no child runs the tasks, it is the worker that dies.
        ends_worker = order.do == "kill-worker" or (order.do == "kill-child" and os.getpid() == self._main_pid)
        if early and ends_worker:
            self._await_acknowledgment(token, task_id)
        if order.do == "raise":
            _raise(order)
        elif order.do == "hold":
            os.close(os.open(gate_path(self._directory, token, order.key), os.O_RDONLY))
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

    def _await_acknowledgment(self, token: str, task_id: str) -> None:
        """Let the main process acknowledge first, if it acknowledges early.

        It does so within a millisecond of the start; a worker that is killed just before would
        make every such task look safe.
        """
        deadline_s = time.monotonic() + EARLY_ACKNOWLEDGMENT_S
        while not os.path.exists(self._acknowledgment(token, task_id)) and time.monotonic() < deadline_s:
            time.sleep(0.001)

    def _acknowledgment(self, token: str, task_id: str) -> str:
        return os.path.join(self._directory, f"{token}.{task_id}.acknowledged")

    def _claim(self, order: FaultOrder, token: str) -> bool:
        for number in range(order.times):
            path = os.path.join(self._directory, f"{token}.{order.key}.{number}")
            try:
                os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
            except FileExistsError:
                continue
            return True
        return False


def _raise(order: FaultOrder) -> NoReturn:
    module, _, name = order.error.partition(":")
    error: Any = builtins if module == "builtins" else importlib.import_module(module)
    for part in name.split("."):
        error = getattr(error, part)
    raise error(*order.args)
