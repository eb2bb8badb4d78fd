"""Starts an arm, waits for it, and tells how it ended if it does so by itself."""

from __future__ import annotations

import contextlib
import os
import selectors
import shutil
import signal
import socket
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import Protocol, TypeVar

from pytest_celery_perf import containers
from pytest_celery_perf.baseline import revision
from pytest_celery_perf.gate.channel import Assignment, Channel, GateError, Joined, Leave, Ran, Renew, Renewed, Run
from pytest_celery_perf.gate.command import arguments, link_package, told, variables
from pytest_celery_perf.gate.environment import HERE, Image, Python, activated, ask, check
from pytest_celery_perf.gate.invocation import Invocation, Selection
from pytest_celery_perf.gate.process import Command, LocalProcess, Runtime
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
_LONGEST_ADDRESS = 100
"""In bytes; Linux takes 107, macOS 103."""
_A = TypeVar("_A", Joined, Ran, Renewed)


class Guard(containers.Guard, revision.Guard, Protocol):
    """Whoever cleans up if this process is killed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What an arm runs."""

    title: str
    """As a reader knows it: ``the base, 1a2b3c4 (origin/main)``."""
    tree: Tree
    invocation: Invocation
    selection: Selection
    environment: Python | Image = HERE


def examine(environment: Python | Image, *, django: bool, guard: Guard) -> Python | Image:
    """Find out whether an environment can run an arm, before anything is started for it.

    Args:
        environment: The environment; that of this process need not be asked.
        django: Whether the tests need Django.
        guard: Removes the container of an image if we cannot.

    Returns:
        The environment, with what it lacks and can do without.

    Raises:
        ConfigurationError: It cannot; the text says what it lacks, and how to install it.
    """
    if environment == HERE:
        return environment
    if isinstance(environment, Python):
        return check(ask(environment), environment, django=django)
    from pytest_celery_perf.gate import container

    return check(container.ask(environment, guard), environment, django=django)


@contextmanager
def start(order: Order, assignment: Assignment, *, directory: Path, guard: Guard) -> Iterator[Arm]:
    """Start an arm, and have it end.

    Args:
        order: What it runs.
        assignment: What it is told; its address is filled in.
        directory: That of the run.
        guard: Removes what is left if we are killed.

    Yields:
        The arm, which has yet to `join`.

    Raises:
        GateError: It could not be started.
    """
    own = directory / assignment.name
    own.mkdir()
    with ExitStack() as stack:
        listener, address = stack.enter_context(_listening(own, guard))
        assignment = replace(assignment, address=str(address))
        arm = Arm(order, _runtime(order, assignment, own, guard), own / "pytest.log", listener)
        stack.callback(arm.stop)
        yield arm


def _runtime(order: Order, assignment: Assignment, own: Path, guard: Guard) -> Runtime:
    command = Command(
        words=tuple(arguments(order.invocation, order.selection, own, order.environment.lacking)),
        folder=order.selection.folder,
        variables=activated(
            order.environment,
            {**variables(order.invocation, order.selection, order.tree, link_package(own)), **told(assignment)},
        ),
        log=own / "pytest.log",
    )
    if isinstance(order.environment, Python):
        return LocalProcess(order.environment.path, command)
    from pytest_celery_perf.gate.container import ContainerProcess

    places = (order.tree.path, own, Path(assignment.address).parent)
    return ContainerProcess(order.environment, command, places, guard)


@contextmanager
def _listening(own: Path, guard: Guard) -> Iterator[tuple[socket.socket, Path]]:
    """Listen at a path that is short enough for the address of a socket."""
    with ExitStack() as stack:
        address = own / "gate"
        if len(os.fsencode(address)) > _LONGEST_ADDRESS:
            folder = Path(tempfile.mkdtemp(prefix="celery-perf-", dir="/tmp"))  # ours alone: of mode 0700
            guard.directory(folder)
            stack.callback(guard.release_directory, folder)
            stack.callback(shutil.rmtree, folder, ignore_errors=True)
            address = folder / "gate"
        listener = stack.enter_context(socket.socket(socket.AF_UNIX))
        listener.bind(str(address))
        listener.listen(1)
        yield listener, address


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
            timeout_s: How long.

        Returns:
            What it offers of the tests that the user has asked for, which may be nothing.

        Raises:
            GateError: It ended, could not collect them, or not in time; with the end of its log.
        """
        joined = self._call(timeout_s)
        if joined is not None and not joined.problem:
            # Whatever version of us its environment has, it runs this one.
            environment = {**joined.environment, "pytest_celery_perf": version("pytest-celery-perf")}
            tests = tuple(filter(self._order.selection.takes, joined.tests))
            return replace(joined, tests=tests, environment=environment)
        self._watch.wait(_GRACE_S)
        if self._runtime.peek() in _WITHOUT_ERROR:
            return joined or Joined(tests=(), environment={}, app_file="")
        if joined is None:
            raise self._died("before it had collected its tests")
        said = self._said()
        told = "" if all(line.strip() in said for line in joined.problem.splitlines()) else f": {joined.problem}"
        raise GateError(f"{self._order.title}, could not collect its tests{told}\n{said}\n{_SOME}")

    def run(self, nodeid: str, measure: tuple[str, ...] = ()) -> Ran:
        """Have it run a test once.

        Args:
            nodeid: The test, as it calls it.
            measure: Instruments for its executions.

        Raises:
            GateError: It has ended.
        """
        return self._ask(Run(nodeid=nodeid, measure=measure), Ran, f"while it ran {nodeid}")

    def renew(self) -> None:
        """Have it go on with fresh workers.

        Raises:
            GateError: It has ended.
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
        deadline_s = time.monotonic() + timeout_s
        try:
            if not self._await(self._listener.fileno(), timeout_s):
                return None
            self._channel = Channel(self._listener.accept()[0])
            return self._answer(self._channel, Joined, max(0.0, deadline_s - time.monotonic()))
        except TimeoutError:
            raise GateError(
                f"{self._order.title}, has not collected its tests within {timeout_s:.0f} s\n{self._said()}"
            ) from None

    def _ask(self, question: Run | Renew, kind: type[_A], when: str) -> _A:
        if self._channel is None:
            raise GateError(f"{self._order.title}, has not joined")
        self._busy = True
        with contextlib.suppress(GateError):  # it has gone, and how it went is told below
            self._channel.send(question)
        try:
            answer = self._answer(self._channel, kind, _PATIENCE_S)
        except TimeoutError:
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

    def _died(self, when: str) -> GateError:
        self._watch.wait(_GRACE_S)
        status = self._runtime.peek()
        ending = "said no more" if status is None else describe_exit(status)
        return GateError(f"{self._order.title}, {ending} {when}\n{self._said()}")

    def _said(self) -> str:
        lines = [f"    {line}" for line in tail(self.log, LOG_LINES)]
        said = ["The end of what it printed:", *lines] if lines else ["It printed nothing."]
        if not self._order.tree.is_checkout:
            said.append(
                "Its work tree holds what is committed there: no untracked files (such as .env), no submodules."
            )
        return "\n".join(said)
