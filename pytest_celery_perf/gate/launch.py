"""Starts an arm where it belongs, with all that it needs."""

from __future__ import annotations

import os
import shutil
import socket
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Protocol

from pytest_celery_perf import containers
from pytest_celery_perf.baseline import revision
from pytest_celery_perf.gate.channel import Assignment
from pytest_celery_perf.gate.command import arguments, link_package, told, variables
from pytest_celery_perf.gate.environment import HERE, Image, Python, activated, ask, check
from pytest_celery_perf.gate.peer import Arm, Order
from pytest_celery_perf.gate.process import Command, LocalProcess, Runtime

_LONGEST_ADDRESS = 100
"""In bytes; Linux takes 107, macOS 103."""


class Guard(containers.Guard, revision.Guard, Protocol):
    """Whoever cleans up if this process is killed."""


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
