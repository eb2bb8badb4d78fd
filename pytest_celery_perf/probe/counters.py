"""What the user counts: ``count("rows", 17)`` in a task."""

from __future__ import annotations

from pytest_celery_perf.probe import context

NAME = "counters"
"""Under which they are written down, as what an instrument has measured."""


class Counter:
    """What one execution has counted by one name."""

    __slots__ = ("amount",)

    def __init__(self) -> None:
        self.amount: float = 0

    def add(self, amount: float) -> None:
        """Count. Threads may do so at the same time: there is no call between reading the sum and writing it back."""
        self.amount = self.amount + amount


def count(name: str, amount: float = 1) -> None:
    """Count something that the running task does.

    The figure belongs to the task's execution: ``execution.figures.counters[name]``, ``run.counters[name]``, a row of
    the summary. Outside of a task that a test runs nothing is done, so that the call may stay in the code.

    Args:
        name: Of the counter.
        amount: What to add to it.
    """
    attempt = context.current()
    if attempt is not None:
        attempt.counters.setdefault(str(name), Counter()).add(amount)
