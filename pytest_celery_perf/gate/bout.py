"""The runs of one epoch in one arm: their order, what they found, and how many of them failed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from pytest_celery_perf.gate.channel import Ran
from pytest_celery_perf.judge.attempts import told_error
from pytest_celery_perf.model.gate import GateMetric, TaskSample


def quads(runs: int, draws: Sequence[bool]) -> Iterator[bool]:
    """Return the order in which the arms run: ABBA or BAAB, at random, so that no drift favours either.

    Args:
        runs: How many there are in each arm; even.
        draws: A random bit for every two of them.

    Returns:
        For each run whether it is the base's.

    Source:
        G. E. P. Box, J. S. Hunter, W. G. Hunter, Statistics for Experimenters: block what you can, randomise the rest.
    """
    for _, first in zip(range(0, runs, 2), draws, strict=True):
        yield from (first, not first, not first, first)


@dataclass(slots=True)
class Bout:
    """The runs of one epoch in one arm."""

    first: Ran | None = None
    """On fresh workers, with the pair's instruments, which would slow the others down."""
    others: list[Ran] = field(default_factory=list)

    @property
    def _fresh(self) -> list[Ran]:
        return [] if self.first is None else [self.first]

    @property
    def runs(self) -> list[Ran]:
        """All of them."""
        return [*self._fresh, *self.others]

    @property
    def complaints(self) -> list[str]:
        """Why runs of it failed."""
        return [run.complaint for run in self.runs if run.complaint]

    def samples(self, task: str, metric: str = "") -> list[TaskSample]:
        """Return what was found of a task in this epoch, by all runs, or by those that tell of a metric."""
        runs = {GateMetric.MEMORY: self._fresh, "": self.runs}.get(metric, self.others)
        return [sample for run in runs for sample in run.samples if sample.task == task]


@dataclass(slots=True)
class Failures:
    """How often a test failed in one arm."""

    runs: int = 0
    """Of all epochs, those that passed included."""
    failed: int = 0
    first: str = ""
    """Why the first of them did."""

    def take(self, bout: Bout) -> float:
        """Note the runs of an epoch; return which share of them failed."""
        self.runs += len(bout.runs)
        self.failed += len(bout.complaints)
        self.first = self.first or next((told(run) for run in bout.runs if run.complaint), "")
        return len(bout.complaints) / len(bout.runs)


def told(run: Ran) -> str:
    """Say why a run failed, and what a task of it raised; empty if it passed."""
    raised = raised_in(run.samples) if run.complaint else ""
    return f"{run.complaint}; its tasks raise {raised}" if raised and raised not in run.complaint else run.complaint


def raised_in(samples: Sequence[TaskSample]) -> str:
    """Say what the first of some tasks raised that ended by it; empty if none did."""
    error = next((each.error for each in samples if each.tasks and each.error), None)
    return "" if error is None else told_error(error)
