"""The two versions that are compared, and where their arms meet."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass

from pytest_celery_perf.baseline.revision import Revision
from pytest_celery_perf.gate.channel import Assignment
from pytest_celery_perf.gate.environment import HERE, Image, Python, name_of
from pytest_celery_perf.gate.invocation import Invocation
from pytest_celery_perf.gate.launch import start
from pytest_celery_perf.gate.peer import Arm, Order
from pytest_celery_perf.gate.traces import traces
from pytest_celery_perf.gate.tree import Tree
from pytest_celery_perf.model.gate import ArmTest
from pytest_celery_perf.runner.groundwork import Groundwork
from pytest_celery_perf.worker.settings import read_early

BASE, HEAD = "base", "head"


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Ring:
    """Where the two arms meet."""

    invocation: Invocation
    sides: Sides
    shared: str
    """The broker of both; see `Assignment`."""
    cores: tuple[int, ...]
    ground: Groundwork
    deadline_s: float
    """On `time.monotonic`: when the time is over."""

    def doubts(self, tests: Sequence[ArmTest]) -> dict[str, str]:
        """Tell of which tests the base has the function, and nothing to run it from.

        Args:
            tests: Those that the base's arms do not offer.

        Returns:
            Why nobody knows whether the base has it, by the test's name; nothing where its arms can be asked.
        """
        tree = self.sides.base
        lacking = self.invocation.lacking(tree)
        if lacking is None:
            return {}
        known = "whether the base has it is not known"
        why = f"{known}: {self.sides.base_label} has no {os.path.relpath(lacking, tree.checkout)}, where it runs"
        remedy = "if it was moved, let git know from where (git add), or compare with a base that has it there"
        found = traces(tests, tree, self.invocation.root, self.invocation.files)
        return {test: f"{why}, and the same function in {file}; {remedy}" for test, file in found.items()}

    def enter(self, stack: ExitStack, name: str, *, everywhere: bool = False) -> Arm | None:
        """Start an arm; it ends with the stack.

        Args:
            stack: Outlives it.
            name: `BASE` or `HEAD`.
            everywhere: Whether it collects what the user's paths do not lead to, too. Such a one may live beside the
                arm of the same name that does not, as long as only one of the two runs tests.

        Returns:
            None if it has nothing of what the user wants to run; if everywhere, if nobody knows where else to look.
        """
        base, sides = name == BASE, self.sides
        tree = sides.base if base else sides.head
        selection = (self.invocation.everything if everywhere else self.invocation.within)(tree)
        if selection is None:
            return None
        order = Order(
            title=f"the base, {sides.base_label}" if base else "the head, this checkout",
            tree=tree,
            invocation=self.invocation,
            selection=selection,
            environment=sides.environment if base else HERE,
            deadline_s=self.deadline_s,
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
        directory = self.ground.rundir.path
        if everywhere:
            directory /= "everywhere"
            directory.mkdir(exist_ok=True)
        return stack.enter_context(start(order, assignment, directory=directory, guard=self.ground.guard))
