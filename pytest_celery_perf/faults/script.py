"""Scripts of several faults: what happens when, all of it drawn from a seed."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

from pytest_celery_perf.errors import ConfigurationError
from pytest_celery_perf.model.arguments import natural, one_of, sequence
from pytest_celery_perf.model.faults import FAULT_KINDS, Need

LONGEST_S = 1.0
"""For how long a fault of a script lasts at most."""
MOST_STARTS = 3
"""After how many starts of tasks the next fault comes, at most."""
SCRIPTED = (
    *("kill_child", "kill_worker", "terminate", "quit", "freeze"),
    *("kill_broker", "pause_broker", "drop_connections"),
    *(kind for kind, known in FAULT_KINDS.items() if known.need is Need.NETWORK),
)
"""The kinds of faults that can strike a task which waits at its start."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One fault of a script."""

    kind: str
    """One of `SCRIPTED`."""
    start: int
    """At which start of a task in its test, second deliveries included, the first being 1. It hits the worker that
    runs this task, which waits meanwhile."""
    lasting_s: float
    """Of a fault that lasts: for how long."""
    skipped: str = ""
    """Why it was not carried out."""

    @property
    def name(self) -> str:
        """For people: ``freeze for 0.4 s at start 2``."""
        lasting = f" for {self.lasting_s:g} s" if self.lasting_s else ""
        return f"{self.kind}{lasting} at start {self.start}"


def plan(seed: int, steps: int, kinds: Sequence[str]) -> tuple[Step, ...]:
    """Draw a script; the same arguments give the same one.

    Args:
        seed: Of the draw.
        steps: How many faults.
        kinds: The kinds to draw from.
    """
    drawn = random.Random(seed)
    script: list[Step] = []
    for _ in range(steps):
        kind, start = drawn.choice(kinds), (script[-1].start if script else 0) + drawn.randint(1, MOST_STARTS)
        # Drawn in any case, so that what follows does not depend on the kind.
        lasting_s = round(drawn.uniform(0.1, LONGEST_S), 2)
        script.append(Step(kind=kind, start=start, lasting_s=lasting_s if FAULT_KINDS[kind].lasts else 0.0))
    return tuple(script)


def check(seed: object, steps: object, kinds: object, available: Sequence[str]) -> tuple[str, ...]:
    """Check what a user has given for a script.

    Args:
        seed: A whole number.
        steps: A whole number from 1.
        kinds: Names; None for all that are available.
        available: Those of `SCRIPTED` that this test's workers and broker can suffer.

    Returns:
        The kinds to draw from.

    Raises:
        ConfigurationError: Something of it is wrong.
    """
    natural(seed, "celery_faults.script: seed", 0)
    natural(steps, "celery_faults.script: steps", 1)
    if kinds is None:
        return tuple(available)
    chosen = [
        one_of(kind, "celery_faults.script: kinds", *available)
        for kind in sequence(kinds, "celery_faults.script: kinds", "names of faults")
    ]
    if not chosen:
        raise ConfigurationError(f"celery_faults.script: kinds=[]: expected some of {', '.join(available)}")
    return tuple(chosen)
