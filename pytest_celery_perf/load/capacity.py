"""Finds the rate at which a topology's 95th percentile breaks its budget."""

from __future__ import annotations

import math
from collections.abc import Callable

from pytest_celery_perf.model.load import Step

FASTER = 2.0
"""By how much the rate grows until the budget breaks: what is too much is so by no more than this, and soon drained."""


def search(attempt: Callable[[float], Step], between: tuple[float, float], precision: float) -> tuple[Step, ...]:
    """Try rates until the highest one that held and the lowest one that did not are close to each other.

    Args:
        attempt: Lays a load of that rate on the workers, in tasks per second.
        between: The lowest rate to try, and the highest.
        precision: How close: 0.1 for within 10 %.

    Returns:
        The rates in the order in which they were tried.
    """
    lowest, highest = between
    step = attempt(lowest)
    steps = [step]
    while step.held and step.rate_per_s < highest:
        step = attempt(min(highest, step.rate_per_s * FASTER))
        steps.append(step)
    if step.held or len(steps) == 1:
        return tuple(steps)
    held, broke = steps[-2].rate_per_s, steps[-1].rate_per_s
    while broke / held > 1 + precision:
        step = attempt(math.sqrt(held * broke))
        held, broke = (step.rate_per_s, broke) if step.held else (held, step.rate_per_s)
        steps.append(step)
    return tuple(steps)
