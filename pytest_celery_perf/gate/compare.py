"""Compares the checkout with a base: puts together what that takes, and takes it apart again."""

from __future__ import annotations

import json
import os
import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

from pytest_celery_perf.baseline.revision import Revision, checkout, head_label
from pytest_celery_perf.gate.channel import Joined
from pytest_celery_perf.gate.environment import HERE, Image, Python
from pytest_celery_perf.gate.invocation import Invocation
from pytest_celery_perf.gate.launch import examine
from pytest_celery_perf.gate.meeting import Meeting, meet
from pytest_celery_perf.gate.ring import Ring, Sides
from pytest_celery_perf.gate.schedule import Outcome, Schedule
from pytest_celery_perf.gate.tree import Tree
from pytest_celery_perf.model.gate import GateReport, Standing
from pytest_celery_perf.options import Options
from pytest_celery_perf.probe.django_glue import is_configured
from pytest_celery_perf.report.live import Comparing
from pytest_celery_perf.runner.groundwork import Groundwork
from pytest_celery_perf.startup import share


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
        deadline_s = began_s + options.budget_time_s
        ring = Ring(
            invocation=invocation,
            sides=sides,
            shared=shared.dump(),
            cores=_cores(),
            ground=ground,
            deadline_s=deadline_s,
        )
        met = meet(stack, ring)
        outcome = Outcome()
        if met.base is not None and met.head is not None and met.pairs:
            show = told(sides.base_label)
            schedule = Schedule(met.base, met.head, deadline_s=deadline_s, seed=secrets.randbits(32), told=show)
            outcome = schedule.play(met.pairs)
        return GateReport(
            base=sides.base_label,
            head=sides.revision.head if sides.revision else head_label(invocation.folder, ground.guard),
            differences=dict(sorted(_differences(met.of_base, met.of_head, sides.config))),
            notes=tuple(_notes(met, sides, ring.cores)),
            epochs=outcome.epochs,
            duration_s=time.monotonic() - began_s,
            comparisons=(*outcome.comparisons, *met.alone),
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
        base=_tree(top, revision) if revision else Tree.itself(top),
        head=Tree.itself(top),
        revision=revision,
        environment=environment,
        config=dict(options.base_config),
    )


def _tree(top: Path, revision: Revision) -> Tree:
    return Tree(checkout=top, path=revision.path, revision=revision.short, former=revision.former)


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


def _notes(met: Meeting, sides: Sides, cores: tuple[int, ...]) -> Iterator[str]:
    if sides.revision is not None:
        yield from sides.revision.notes
        if sides.environment == HERE:
            yield "both ran in this environment, whatever the base's requirements say"
    if not any(test.selected for test in met.of_head.tests):
        yield "no selected test can be compared"
    elif not met.of_base.tests and any(each.standing is Standing.NEW for each in met.alone):
        yield "the base has no test that can be compared"
    elif met.pairs and cores:
        yield f"the workers of both ran on core {cores[0]} alone"
