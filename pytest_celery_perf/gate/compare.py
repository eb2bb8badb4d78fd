"""Compares the checkout with a base: puts together what that takes, and takes it apart again."""

from __future__ import annotations

import json
import os
import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from pytest_celery_perf.baseline.revision import Revision, checkout, head_label
from pytest_celery_perf.gate.channel import Assignment, Joined
from pytest_celery_perf.gate.environment import HERE, Image, Python, name_of
from pytest_celery_perf.gate.invocation import Invocation
from pytest_celery_perf.gate.launch import Arm, Order, examine, start
from pytest_celery_perf.gate.pairing import pair
from pytest_celery_perf.gate.schedule import Outcome, Schedule
from pytest_celery_perf.gate.tree import Tree, check_origins
from pytest_celery_perf.model.gate import GateReport
from pytest_celery_perf.options import Options
from pytest_celery_perf.probe.django_glue import is_configured
from pytest_celery_perf.report.live import Comparing
from pytest_celery_perf.runner.groundwork import Groundwork
from pytest_celery_perf.startup import share
from pytest_celery_perf.worker.settings import read_early

BASE, HEAD = "base", "head"
JOIN_TIMEOUT_S = 300.0
"""Longer than any suite takes to be collected, and its workers to begin to start."""

_NOTHING = Joined(tests=(), environment={}, app_file="")


@dataclass(frozen=True, slots=True, kw_only=True)
class Sides:
    """The two versions that are compared."""

    base: Tree
    head: Tree
    revision: Revision | None
    """What the base is, if it is another revision than the checkout."""
    environment: Python | Image
    """That of the base."""
    config: dict[str, str]
    """Celery settings that the base alone has: a JSON value by name."""

    @property
    def base_label(self) -> str:
        """What the reader knows the base by."""
        code = self.revision.label if self.revision else "the same code"
        environment = [] if self.environment == HERE else [name_of(self.environment)]
        settings = [f"{name}={value}" for name, value in self.config.items()]
        return " with ".join([code, *filter(None, [", ".join(environment + settings)])])


def compare(
    invocation: Invocation,
    options: Options,
    environment: Python | Image,
    *,
    told: Callable[[str], Callable[[Comparing], None]],
) -> GateReport:
    """Compare the checkout with a base.

    Args:
        invocation: How the user started pytest.
        options: The settings.
        environment: That of the base.
        told: Called with what the base is; what it returns is called with how far the comparison has come.

    Raises:
        ConfigurationError: There is no such base.
        GateError: An arm does not start, or has died.
        BrokerError: There is no broker for the two.
    """
    began_s = time.monotonic()
    with ExitStack() as stack:
        ground = Groundwork()
        stack.callback(ground.close)
        sides = _sides(stack, invocation, options, environment, ground)
        shared, unshare = share(options, ground)
        stack.callback(unshare)
        ring = Ring(invocation=invocation, sides=sides, shared=shared.dump(), cores=_cores(), ground=ground)
        base, head = ring.enter(stack, BASE), ring.enter(stack, HEAD)
        of_base, of_head = (_NOTHING if arm is None else arm.join(JOIN_TIMEOUT_S) for arm in (base, head))
        check_origins(of_base.app_file, of_head.app_file, sides.base, sides.base_label)
        pairing = pair(of_base.tests, of_head.tests)
        outcome = Outcome()
        if base is not None and head is not None and pairing.pairs:
            deadline_s = began_s + options.budget_time_s
            show = told(sides.base_label)
            outcome = Schedule(base, head, deadline_s=deadline_s, seed=secrets.randbits(32), told=show).play(
                pairing.pairs
            )
        return GateReport(
            base=sides.base_label,
            head=sides.revision.head if sides.revision else head_label(invocation.folder, ground.guard),
            differences=dict(sorted(_differences(of_base, of_head, sides.config))),
            notes=tuple(_notes(of_base, of_head, sides, ring.cores)),
            epochs=outcome.epochs,
            duration_s=time.monotonic() - began_s,
            comparisons=(*outcome.comparisons, *pairing.alone),
        )


def _sides(
    stack: ExitStack, invocation: Invocation, options: Options, environment: Python | Image, ground: Groundwork
) -> Sides:
    environment = examine(environment, django=is_configured(), guard=ground.guard)
    revision = None
    if options.base:
        revision = stack.enter_context(
            checkout(options.base, folder=invocation.folder, directory=ground.rundir.path, guard=ground.guard)
        )
    top = Path(os.path.realpath(revision.checkout if revision else invocation.root))
    return Sides(
        base=Tree(checkout=top, path=revision.path) if revision else Tree.itself(top),
        head=Tree.itself(top),
        revision=revision,
        environment=environment,
        config=dict(options.base_config),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Ring:
    """Where the two arms meet."""

    invocation: Invocation
    sides: Sides
    shared: str
    """The broker of both; see `Assignment`."""
    cores: tuple[int, ...]
    ground: Groundwork

    def enter(self, stack: ExitStack, name: str) -> Arm | None:
        """Start an arm; it ends with the stack.

        Args:
            stack: Outlives it.
            name: `BASE` or `HEAD`.

        Returns:
            None if it has nothing of what the user wants to run.
        """
        base, sides = name == BASE, self.sides
        tree = sides.base if base else sides.head
        selection = self.invocation.within(tree)
        if selection is None:
            return None
        order = Order(
            title=f"the base, {sides.base_label}" if base else "the head, this checkout",
            tree=tree,
            invocation=self.invocation,
            selection=selection,
            environment=sides.environment if base else HERE,
        )
        assignment = Assignment(
            name=name,
            address="",
            shared=self.shared,
            slot=int(base),
            config=sides.config if base else {},
            cores=self.cores,
            cold=any(read_early(name) for name in sides.config),
        )
        return stack.enter_context(start(order, assignment, directory=self.ground.rundir.path, guard=self.ground.guard))


def _cores() -> tuple[int, ...]:
    """Return the core on which the workers of both arms run: the last one, if there is another for all else."""
    cores = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
    return tuple(cores[-1:]) if len(cores) > 1 else ()


def _differences(base: Joined, head: Joined, config: dict[str, str]) -> Iterator[tuple[str, tuple[str, str]]]:
    if base.environment and head.environment:
        for name in base.environment.keys() | head.environment.keys():
            both = (base.environment.get(name, ""), head.environment.get(name, ""))
            if both[0] != both[1]:
                yield name, both
    for name, value in config.items():
        yield name, (str(json.loads(value)), "as the app has it")


def _notes(base: Joined, head: Joined, sides: Sides, cores: tuple[int, ...]) -> Iterator[str]:
    if sides.revision is not None:
        yield from sides.revision.notes
        if sides.environment == HERE:
            yield "both ran in this environment, whatever the base's requirements say"
    if not head.tests:
        yield "no selected test can be compared"
    elif not base.tests:
        yield "the base has no test that can be compared"
    elif cores:
        yield f"the workers of both ran on core {cores[0]} alone"
