"""Starts arms of a repository as the gate does, with a broker for them."""

from __future__ import annotations

import math
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pytest_celery_perf.gate.channel import Assignment
from pytest_celery_perf.gate.environment import HERE, Image, Python
from pytest_celery_perf.gate.invocation import Invocation
from pytest_celery_perf.gate.launch import start
from pytest_celery_perf.gate.peer import Arm, Order
from pytest_celery_perf.gate.tree import Tree
from pytest_celery_perf.guard import Guard
from pytest_celery_perf.startup import Shared

TIMEOUT_S = 120.0
"""For what takes seconds on a machine that has nothing else to do."""
OUTER = re.compile("(CI|BUILD_NUMBER|COLUMNS)$|PYTEST_|COV_|COVERAGE_|CELERY_PERF_(?!TEST_)|DJANGO_SETTINGS_MODULE$")


class Pad:
    """What arms are started from.

    Args:
        directory: In the place of the run's.
        shared: The broker.
        guard: Told of what is to be cleaned up.
    """

    def __init__(self, directory: Path, shared: Shared, guard: Guard) -> None:
        self.directory = directory
        self.guard = guard
        self._shared = shared
        self._started = 0

    @contextmanager
    def arm(
        self,
        tree: Tree,
        *options: str,
        paths: tuple[str, ...] = (),
        title: str = "the base, 1a2b3c4",
        environment: Python | Image = HERE,
        deadline_s: float = math.inf,
    ) -> Iterator[Arm]:
        """Start an arm.

        Args:
            tree: Where its code is.
            options: Of the user's command line.
            paths: Of the user's command line, too.
            title: What the arm is called.
            environment: By which Python it runs.
            deadline_s: When the time for it is over.
        """
        invocation = Invocation(
            folder=tree.checkout,
            root=tree.checkout,
            options=options,
            paths=paths,
            modules={},
            ini="",
            files=("test_*.py",),
            home=(),
            plugins=frozenset({"junitxml", "cacheprovider"}),
            app="shop:app",
            environment={name: value for name, value in os.environ.items() if not OUTER.match(name)},
        )
        selection = invocation.within(tree)
        assert selection is not None
        self._started += 1
        assignment = Assignment(
            name=f"arm{self._started}", address="", shared=self._shared.dump(), slot=self._started, config={}, cores=()
        )
        order = Order(
            title=title,
            tree=tree,
            invocation=invocation,
            selection=selection,
            environment=environment,
            deadline_s=deadline_s,
        )
        with start(order, assignment, directory=self.directory, guard=self.guard) as arm:
            yield arm
