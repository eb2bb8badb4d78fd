"""An arm as the gate knows it: asks it to do things, waits, and tells how it ended if it does so by itself."""

from __future__ import annotations

import contextlib
import math
import selectors
import signal
import socket
import time
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import TypeVar

from pytest_celery_perf.gate.channel import Channel, GateError, Joined, LateError, Leave, Ran, Renew, Renewed, Run
from pytest_celery_perf.gate.environment import HERE, Image, Python
from pytest_celery_perf.gate.invocation import Invocation, Selection
from pytest_celery_perf.gate.process import Runtime
from pytest_celery_perf.gate.tree import Tree
from pytest_celery_perf.worker.base import describe_exit, tail

LOG_LINES = 30
_SOME = "Where only some of its test files fail, --continue-on-collection-errors compares the others."
_WITHOUT_ERROR = (0, 5)
"""Exit statuses of pytest: all is well, and no test was collected."""
_GRACE_S = 30.0
"""For an arm that ends in order: it stops its workers and drops its test databases."""
_PATIENCE_S = 600.0
"""For an answer: a test waits for its tasks as long as it always does, but its body may hang."""
_COLLECTING_S = 30.0
"""How much longer than the comparison may take an arm may collect: without its tests there is nothing to tell of."""
_ANSWERING_S = 5.0
"""How much longer it may run a test, or stop its workers: an epoch that is not over by then counts for nothing."""
_A = TypeVar("_A", Joined, Ran, Renewed)


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What an arm runs."""

    title: str
    """As a reader knows it: ``the base, 1a2b3c4 (origin/main)``."""
    tree: Tree
    invocation: Invocation
    selection: Selection
    environment: Python | Image = HERE
    deadline_s: float = math.inf
    """On `time.monotonic`: when the time for all of the comparison is over."""

    def left_s(self, grace_s: float) -> float:
        """Return how much time there is left.

        Args:
            grace_s: What may be added to it.
        """
        return max(0.0, self.deadline_s + grace_s - time.monotonic())


class Arm:
    """An arm that runs.

    Args:
        order: What it runs.
        runtime: What to start it in.
        log: What it prints.
        listener: Where it will call.
    """

    def __init__(self, order: Order, runtime: Runtime, log: Path, listener: socket.socket) -> None:
        self.log = log
        self._order = order
        self._runtime = runtime
        self._listener = listener
        self._channel: Channel | None = None
        self._busy = True  # with collecting its tests
        self._watch = runtime.start()

    def join(self, timeout_s: float) -> Joined:
        """Wait until it has collected its tests.

        Args:
            timeout_s: How long, if the comparison itself has as much time.

        Returns:
            What it offers, which may be nothing; each test tells whether the user has asked for it.

        Raises:
            GateError: It ended, could not collect them, or not in time; with the end of its log.
            LateError: The time for all of the comparison is over.
        """
        joined = self._call(timeout_s)
        if joined is not None and not joined.problem:
            # Whatever version of us its environment has, it runs this one.
            environment = {**joined.environment, "pytest_celery_perf": version("pytest-celery-perf")}
            takes = self._order.selection.takes
            tests = tuple(replace(test, selected=test.selected and takes(test)) for test in joined.tests)
            return replace(joined, tests=tests, environment=environment)
        self._watch.wait(_GRACE_S)
        if self._runtime.peek() in _WITHOUT_ERROR:
            return joined or Joined(tests=(), environment={}, app_file="")
        if joined is None:
            raise self._died("before it had collected its tests")
        said, problem = self._said(), self._order.tree.told(joined.problem)
        told = "" if all(line.strip() in said for line in problem.splitlines()) else f": {problem}"
        raise GateError(f"{self._order.title}, could not collect its tests{told}\n{said}\n{_SOME}")

    def run(self, nodeid: str, measure: tuple[str, ...] = ()) -> Ran:
        """Have it run a test once.

        Args:
            nodeid: The test, as it calls it.
            measure: Instruments for its executions.

        Raises:
            GateError: It has ended.
            LateError: The time for all of the comparison is over.
        """
        ran = self._ask(Run(nodeid=nodeid, measure=measure), Ran, f"while it ran {nodeid}")
        return replace(ran, complaint=self._order.tree.told(ran.complaint))

    def renew(self) -> None:
        """Have it go on with fresh workers.

        Raises:
            GateError: It has ended.
            LateError: The time for all of the comparison is over.
        """
        self._ask(Renew(), Renewed, "while it stopped its workers")

    def stop(self) -> None:
        """Have it end, and leave nothing behind; also after it died."""
        if self._channel is None or self._busy:
            self._runtime.kill(signal.SIGINT)
        else:
            with contextlib.suppress(GateError):  # it has gone
                self._channel.send(Leave())
        if not self._watch.wait(_GRACE_S):
            self._runtime.kill(signal.SIGKILL)
            self._watch.wait(_GRACE_S)
        self._runtime.remove()
        self._watch.close()
        if self._channel is not None:
            self._channel.close()

    def _call(self, timeout_s: float) -> Joined | None:
        """Wait for its call and what it then says; None if it ended instead."""
        wait_s = min(timeout_s, self._order.left_s(_COLLECTING_S))
        deadline_s = time.monotonic() + wait_s
        try:
            if not self._await(self._listener.fileno(), wait_s):
                return None
            self._channel = Channel(self._listener.accept()[0])
            return self._answer(self._channel, Joined, max(0.0, deadline_s - time.monotonic()))
        except TimeoutError:
            if wait_s < timeout_s:
                raise self._late("while it collected its tests", _COLLECTING_S) from None
            raise GateError(
                f"{self._order.title}, has not collected its tests within {timeout_s:.0f} s\n{self._said()}"
            ) from None

    def _ask(self, question: Run | Renew, kind: type[_A], when: str) -> _A:
        if self._channel is None:
            raise GateError(f"{self._order.title}, has not joined")
        self._busy = True
        with contextlib.suppress(GateError):  # it has gone, and how it went is told below
            self._channel.send(question)
        wait_s = min(_PATIENCE_S, self._order.left_s(_ANSWERING_S))
        try:
            answer = self._answer(self._channel, kind, wait_s)
        except TimeoutError:
            if wait_s < _PATIENCE_S:
                raise self._late(when, _ANSWERING_S) from None
            said = self._said()
            raise GateError(f"{self._order.title}, has been silent for {_PATIENCE_S:.0f} s {when}\n{said}") from None
        if answer is None:
            raise self._died(when)
        return answer

    def _answer(self, channel: Channel, kind: type[_A], timeout_s: float | None) -> _A | None:
        """Wait for what it says; None if it has gone."""
        answer = channel.receive(kind) if self._await(channel.fileno(), timeout_s) else None
        self._busy = answer is None
        return answer

    def _await(self, fd: int, timeout_s: float | None) -> bool:
        """Wait until it calls or says something.

        Returns:
            Whether it did before it ended.

        Raises:
            TimeoutError: It did neither.
        """
        with selectors.DefaultSelector() as selector:
            selector.register(fd, selectors.EVENT_READ)
            selector.register(self._watch.fd, selectors.EVENT_READ)
            ready = {key.fd for key, _ in selector.select(timeout_s)}
        if not ready:
            raise TimeoutError
        return fd in ready

    def _late(self, when: str, grace_s: float) -> LateError:
        return LateError(f"{self._order.title}, gave no answer {when}, nor in {grace_s:.0f} s more")

    def _died(self, when: str) -> GateError:
        self._watch.wait(_GRACE_S)
        status = self._runtime.peek()
        ending = "said no more" if status is None else describe_exit(status)
        return GateError(f"{self._order.title}, {ending} {when}\n{self._said()}")

    def _said(self) -> str:
        lines = [f"    {self._order.tree.told(line)}" for line in tail(self.log, LOG_LINES)]
        said = ["The end of what it printed:", *lines] if lines else ["It printed nothing."]
        if not self._order.tree.is_checkout:
            said.append(
                "Its work tree holds what is committed there: no untracked files (such as .env), no submodules."
            )
        return "\n".join(said)
