"""A test in two arms: what its runs found, epoch by epoch, and what that proves."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from pytest_celery_perf.gate.channel import Ran
from pytest_celery_perf.gate.ends import Ends
from pytest_celery_perf.gate.pairing import Pair
from pytest_celery_perf.measure.evidence import decide
from pytest_celery_perf.measure.taken import DRAINED, paired_quantiles
from pytest_celery_perf.model.gate import (
    FAILED,
    Comparison,
    GateMetric,
    RegressionBudget,
    Series,
    Standing,
    TaskSample,
)
from pytest_celery_perf.model.verdict import Status

BORNE = 5
"""So many failed runs only cost their epochs: a test that fails once in a hundred runs can be compared."""
LATE = "the time was over (--celery-perf-budget-time)"
_TAKES = {
    GateMetric.DRAIN: f"drain takes {DRAINED} tasks",
    GateMetric.CPU: "cpu a thread or a process for each slot",
    GateMetric.MEMORY: "memory a process for each slot, and Linux",
}
"""Without what a metric is not measured."""


@dataclass(slots=True)
class Bout:
    """The runs of one epoch in one arm."""

    first: Ran | None = None
    """On fresh workers, with the pair's instruments, which would slow the others down."""
    others: list[Ran] = field(default_factory=list)

    @property
    def complaints(self) -> list[str]:
        """Why runs of it failed."""
        return [run.complaint for run in (self.first, *self.others) if run is not None and run.complaint]

    def samples(self, task: str, metric: str) -> list[TaskSample]:
        """Return what was found of a task in this epoch, by the runs that tell of a metric, or of what has failed."""
        runs = {GateMetric.MEMORY: [self.first], FAILED: [self.first, *self.others]}.get(metric, self.others)
        return [sample for run in runs if run is not None for sample in run.samples if sample.task == task]


class Contest:
    """Compares one test.

    Args:
        pair: The test.
        base: What a first run found in the base, with the pair's instruments.
        head: What it found in the head.
    """

    def __init__(self, pair: Pair, base: Ran, head: Ran) -> None:
        self.pair = pair
        self._complaint = ""
        self._failures = 0
        self._executions = max(1, min(_executions(base), _executions(head)))
        self._found = {(each.task, each.metric): each for each in _comparisons(pair, base, head)}
        self._ends = {
            task: Ends(pair, task, *([each for each in run.samples if each.task == task] for run in (base, head)))
            for task in dict.fromkeys(task for task, _ in self._found)
        }
        self._blank = tuple(_of_one_arm(pair, base, head))
        if not self._found and (reason := _why_nothing(pair.head.budget, base, head)):
            self._blank += (pair.comparison(reason=reason),)

    @property
    def size(self) -> int:
        """How many comparisons it is."""
        return len(self._found) + len(self._ends)

    @property
    def open(self) -> bool:
        """Whether anything is undecided that can be decided."""
        if self._complaint:
            return False
        return any(map(self._open, self._found.values())) or any(each.doubtful for each in self._ends.values())

    def _open(self, known: Comparison) -> bool:
        """Whether further epochs can decide it."""
        ends = self._ends[known.task]
        return _undecided(known) and not (ends.worse or ends.hopeless)

    def runs(self, samples: int) -> int:
        """Return how often the test must run in each arm for so many samples: an even number, for `quads`.

        Args:
            samples: How many executions of its tasks an epoch shall have in each arm.
        """
        return 2 * math.ceil(samples / self._executions / 2)

    def add(self, base: Bout, head: Bout, threshold: float) -> None:
        """Take an epoch into account.

        Args:
            base: Its runs in the base.
            head: Its runs in the head.
            threshold: The evidence that a FAIL takes.
        """
        if failures := [*base.complaints, *head.complaints]:
            self._failures += len(failures)
            if self._failures > BORNE:
                arm = "base" if base.complaints else "head"
                self._complaint = f"it fails now and then in the {arm}: {failures[0]}"
            return  # what a failed run has left out, or left behind, is nobody's time
        for task, ends in self._ends.items():
            ends.add(base.samples(task, FAILED), head.samples(task, FAILED), threshold)
        for (task, metric), known in self._found.items():
            figures = paired_quantiles(base.samples(task, metric), head.samples(task, metric), metric)
            if _undecided(known) and not math.isnan(sum(figures)):
                self._found[task, metric] = _with_epoch(known, *figures, threshold)

    def comparisons(self, *, late: bool) -> Iterator[Comparison]:
        """Return the last word on each metric of each task.

        Args:
            late: Whether the time ran out.
        """
        yield from self._blank
        if self._complaint:
            yield self.pair.comparison(Standing.BROKEN, reason=self._complaint)
        for ends in self._ends.values():
            yield from ends.failures(LATE if late and ends.doubtful else "")
            if not ends.alike and not self._complaint:
                yield ends.broken()
        for known in self._found.values():
            if not _undecided(known):
                yield known  # it was proved before anything failed
            elif self._ends[known.task].alike and not self._complaint:
                yield replace(known, reason=self._why_undecided(known, late=late))

    def _why_undecided(self, known: Comparison, *, late: bool) -> str:
        if self._ends[known.task].worse:
            return "what it takes is not asked any more, since it fails in the head"
        return LATE if late else ""


def _undecided(known: Comparison) -> bool:
    return known.decision is None or known.decision.status is Status.INCONCLUSIVE


def _executions(run: Ran) -> int:
    of_task: Counter[str] = Counter()
    for each in run.samples:
        of_task[each.task] += len(each.figures.get(GateMetric.RUNTIME, ()))
    return min(of_task.values(), default=1)


def _comparisons(pair: Pair, base: Ran, head: Ran) -> Iterator[Comparison]:
    """Begin with every metric that is asked for and was measured in both arms."""
    budget = pair.head.budget
    of_base, of_head = (
        {(each.task, metric) for each in run.samples for metric in each.figures} for run in (base, head)
    )
    for task in dict.fromkeys(each.task for each in head.samples if budget.task in {None, each.task}):
        for metric in budget.metrics:
            if (task, metric) in of_base & of_head:
                yield replace(pair.comparison(task=task), metric=metric, series=Series())


def _with_epoch(known: Comparison, of_base: float, of_head: float, threshold: float) -> Comparison:
    before = known.series or Series()
    series = Series(base=(*before.base, of_base), head=(*before.head, of_head))
    decision = decide(series, known.metric, tolerance=known.tolerance, noticeable=known.noticeable, threshold=threshold)
    return replace(known, series=series, decision=decision, threshold=threshold)


def _of_one_arm(pair: Pair, base: Ran, head: Ran) -> Iterator[Comparison]:
    """Tell of tasks that the test runs in one arm only."""
    of_base, of_head = ({each.task for each in run.samples} for run in (base, head))
    for task in sorted(of_head - of_base):
        yield pair.comparison(Standing.NEW, task, "the test does not run this task in the base")
    for task in sorted(of_base - of_head):
        yield pair.comparison(Standing.REMOVED, task, "the test does not run this task in the head")


def _why_nothing(budget: RegressionBudget, base: Ran, head: Ran) -> str:
    """Say why tasks that run in both arms have nothing that can be compared."""
    of_base, of_head = ({each.task for each in run.samples} for run in (base, head))
    if budget.task is not None and budget.task not in of_base | of_head:
        return f"the test does not run {budget.task}, the task that celery_regression names"
    if not of_base & of_head & ({budget.task} if budget.task else of_base):
        return ""
    lacks = ", ".join(_TAKES[GateMetric(metric)] for metric in budget.metrics if metric in _TAKES)
    return f"{' and '.join(budget.metrics)} could not be measured in both{f': {lacks}' if lacks else ''}"


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
