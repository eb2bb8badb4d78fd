"""A test in two arms: what its runs found, epoch by epoch, and what that proves."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace

from pytest_celery_perf.gate.bout import Bout, Failures, told
from pytest_celery_perf.gate.channel import Ran
from pytest_celery_perf.gate.ends import COMPARISONS, NOT_ASKED, PATIENCE, Ends
from pytest_celery_perf.gate.pairing import Pair
from pytest_celery_perf.gate.tally import Tally
from pytest_celery_perf.judge.phrases import count, join
from pytest_celery_perf.measure.evidence import decide
from pytest_celery_perf.measure.taken import DRAINED, paired_quantiles
from pytest_celery_perf.model.gate import (
    Comparison,
    GateCount,
    GateMetric,
    RegressionBudget,
    Series,
    Standing,
    TaskSample,
)
from pytest_celery_perf.model.verdict import Status

BORNE = 5
"""Where both versions fail alike, so many epochs are left out: a test that fails once in a hundred runs can be
compared."""
LATE = "the time was over (--celery-perf-budget-time)"
_TAKES = {
    GateMetric.DRAIN: f"drain takes {DRAINED} tasks",
    GateMetric.CPU: "cpu a thread or a process for each slot",
    GateMetric.MEMORY: "memory a process for each slot, and Linux",
}
"""Without what a metric is not measured."""


class Contest:
    """Compares one test.

    Args:
        pair: The test.
        base: What a first run found in the base, with the pair's instruments.
        head: What it found in the head. If that failed, nothing is compared but how often it does.
    """

    def __init__(self, pair: Pair, base: Ran, head: Ran) -> None:
        self.pair = pair
        self._complaint = ""
        self._left_out = 0
        self._base, self._head = Failures(), Failures(first=told(head))
        self._failed = Tally(pair.comparison(), GateCount.FAILED_RUNS)
        self._blind = bool(head.complaint)
        self._executions = max(1, min(_executions(base), _executions(head)))
        found = () if self._blind else _comparisons(pair, base, head)
        self._found = {(each.task, each.metric): each for each in found}
        self._ends = {
            task: Ends(pair, task, *([each for each in run.samples if each.task == task] for run in (base, head)))
            for task in dict.fromkeys(task for task, _ in self._found)
        }
        self._blank = () if self._blind else tuple(_of_one_arm(pair, base, head))
        if not (self._found or self._blind) and (reason := _why_nothing(pair.head.budget, base, head)):
            self._blank += (pair.comparison(reason=reason),)

    @property
    def size(self) -> int:
        """How many comparisons it is."""
        return 1 + len(self._found) + COMPARISONS * len(self._ends)

    @property
    def open(self) -> bool:
        """Whether anything is undecided that can be decided."""
        if self._complaint or self._failed.worse:
            return False
        doubtful = self._failed.doubtful or any(each.doubtful for each in self._ends.values())
        return self._blind or doubtful or any(map(self._open, self._found.values()))

    def _open(self, known: Comparison) -> bool:
        """Whether further epochs can decide it."""
        ends = self._ends[known.task]
        return _undecided(known) and not (ends.worse or ends.hopeless or self._unpaired(known))

    def _unpaired(self, known: Comparison) -> bool:
        """Whether no two executions that it could compare are to be expected any more."""
        return known.series == Series() and self._ends[known.task].epochs >= PATIENCE

    def runs(self, samples: int) -> int:
        """Return how often the test must run in each arm for so many samples: an even number, for `quads`.

        Args:
            samples: How many executions of its tasks an epoch shall have in each arm.

        Returns:
            None besides the first, of a test of which nothing is measured.
        """
        return 0 if self._blind else 2 * math.ceil(samples / self._executions / 2)

    def add(self, base: Bout, head: Bout, threshold: float) -> None:
        """Take an epoch into account.

        Args:
            base: Its runs in the base.
            head: Its runs in the head.
            threshold: The evidence that a FAIL takes.
        """
        self._failed.add(self._base.take(base), self._head.take(head), threshold)
        if base.complaints or head.complaints:
            self._left_out += 1
            self._complaint = self._flaw()
            return  # what a failed run has left out, or left behind, is nobody's time
        for task, ends in self._ends.items():
            ends.add(base.samples(task), head.samples(task), threshold)
        for (task, metric), known in self._found.items():
            if _undecided(known):
                samples = base.samples(task, metric), head.samples(task, metric)
                self._found[task, metric] = _with_epoch(known, *samples, threshold)

    def _flaw(self) -> str:
        """Say why it cannot be compared: it fails too often, and no more often in the head."""
        if self._left_out <= BORNE or self._head.failed > self._base.failed:
            return ""
        often = f"in {self._base.failed} of {self._base.runs} runs in the base and {self._head.failed} in the head"
        return f"it fails now and then, {often}; in the base: {self._base.first}"

    def comparisons(self, late: str = "") -> Iterator[Comparison]:
        """Return the last word on each metric of each task.

        Args:
            late: Why the time was over; empty if it was not.
        """
        return (replace(each, note=self._note) for each in self._comparisons(late))

    @property
    def _note(self) -> str:
        if self._blind or not self._left_out:
            return ""
        epochs = f"{count(self._left_out, 'epoch', 'is', 'are')} left out"
        return f"{epochs}, in which runs failed: {self._base.failed} in the base, {self._head.failed} in the head"

    def _comparisons(self, late: str) -> Iterator[Comparison]:
        yield from self._blank
        failed = self._failed.told("" if self._failed.worse else late, f"in the head: {self._head.first}")
        yield from failed
        why = NOT_ASKED if self._failed.worse else late
        if self._complaint:
            yield self.pair.comparison(Standing.BROKEN, reason=self._complaint)
        elif self._blind and not failed:
            yield self.pair.comparison(Standing.BROKEN, reason=f"it fails in the head: {self._head.first}")
        for ends in self._ends.values():
            yield from ends.counted(why)
            if not ends.alike and not self._complaint:
                yield ends.broken()
        for known in self._found.values():
            if not _undecided(known):
                yield known  # it was proved before anything failed
            elif self._ends[known.task].alike and not self._complaint:
                yield self._last_word(known, why)

    def _last_word(self, known: Comparison, why: str) -> Comparison:
        """Say of what is undecided why it is."""
        if self._unpaired(known):
            return replace(known, standing=Standing.BROKEN)
        return replace(known, reason=NOT_ASKED if self._ends[known.task].worse else why)


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


def _with_epoch(
    known: Comparison, base: Sequence[TaskSample], head: Sequence[TaskSample], threshold: float
) -> Comparison:
    of_base, of_head = paired_quantiles(base, head, known.metric)
    if math.isnan(of_base + of_head):
        return replace(known, reason=_why_unpaired(base, head, known.metric))
    series = (known.series or Series()).and_epoch(of_base, of_head)
    decision = decide(series, known.metric, tolerance=known.tolerance, noticeable=known.noticeable, threshold=threshold)
    return replace(known, series=series, decision=decision, threshold=threshold, reason="")


def _why_unpaired(base: Sequence[TaskSample], head: Sequence[TaskSample], metric: str) -> str:
    """Say why an epoch has nothing of a metric that could be compared."""
    told = []
    for samples, arm in ((base, "base"), (head, "head")):
        ends = sorted({each.end for each in samples if metric in each.figures})
        if not ends:
            return f"{metric} was not measured in the {arm}"
        told.append(f"{join(ends)} in the {arm}")
    return f"{metric} is of tasks that end otherwise: {', '.join(told)}"


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
