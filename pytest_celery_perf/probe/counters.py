"""What the user counts: ``count("rows", 17)`` in a task."""

from __future__ import annotations

import math
from typing import SupportsFloat

from pytest_celery_perf.probe import context

NAME = "counters"
"""Under which they are written down, as what an instrument has measured."""


class Counter:
    """What one execution has counted by one name."""

    __slots__ = ("amount", "wrong")

    def __init__(self) -> None:
        self.amount: float = 0
        self.wrong: str | None = None
        """What it was given that cannot be counted, so that the sum is not known: infinity, nan or a type."""

    def add(self, amount: float) -> None:
        """Count. Threads may do so at the same time: there is no call between reading the sum and writing it back."""
        self.amount = self.amount + amount


def count(name: str, amount: SupportsFloat = 1) -> None:
    """Count something that the running task does.

    The figure belongs to the task's execution: ``execution.figures.counters[name]``, ``run.counters[name]``, a row of
    the summary. Outside of a task that a test runs nothing is done, so that the call may stay in the code.

    Args:
        name: Of the counter.
        amount: What to add to it: any finite number, of ``decimal`` or NumPy too.
    """
    attempt = context.current()
    if attempt is not None:
        counter = attempt.counters.setdefault(str(name), Counter())
        number = _number(amount)
        if number is None:
            counter.wrong = repr(amount) if isinstance(amount, float) else type(amount).__name__
        else:
            counter.add(number)


def _number(amount: object) -> float | None:
    """Return what JSON can tell of a number; None of what is none: a task must not fail because it counts."""
    if isinstance(amount, int):
        return amount
    try:
        number = float(amount) if isinstance(amount, SupportsFloat) else math.nan
    except (ArithmeticError, TypeError, ValueError):
        return None
    return number if math.isfinite(number) else None
