"""Judges ``celery_regression``: what two versions were found to take of one test, for each task on its own."""

from __future__ import annotations

import math
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from pytest_celery_perf.judge import failing
from pytest_celery_perf.judge.phrases import count
from pytest_celery_perf.measure.evidence import floor_of, levels
from pytest_celery_perf.model.gate import (
    COUNTS,
    Comparison,
    Decision,
    GateMetric,
    RegressionBudget,
    Series,
    Standing,
    format_figure,
)
from pytest_celery_perf.model.metric import format_change
from pytest_celery_perf.model.verdict import Check, Status, Verdict

_WHOLE_TEST = "any task"
_OF_ONE_ARM = (Standing.NEW, Standing.REMOVED)
_BETWEEN = (GateMetric.DRAIN, GateMetric.QUEUE, GateMetric.END_TO_END)
"""What tells of the time around a task's own, too."""
_MOSTLY = 0.5
"""Of what is more, the share that says what the rest is about."""
_LOOK_FOR_WORK = "look for loops over more rows, for what is done each time instead of once, for serialization"
_MOST_SURE = 34.0
"""A logarithm beyond which nobody reads the digits."""


def judge(
    comparisons: Sequence[Comparison], *, options: Sequence[str] = (), strict: bool = False
) -> tuple[Verdict, ...]:
    """Judge a test in two arms.

    Args:
        comparisons: All that were made of it, or why none was.
        options: Those of the command line that make the same comparison again: ``--celery-perf-base=origin/main``.
        strict: Whether what could not be decided fails. What only one arm has never does: there is nothing
            to decide.

    Returns:
        A verdict for each task, and for the whole test if there is something to say of it. FAIL if a metric is surely
        worse, or there surely is more of a `GateCount`; INCONCLUSIVE if that could not be decided.
    """
    tasks = dict.fromkeys(each.task for each in comparisons)
    return tuple(_judge_task([each for each in comparisons if each.task == task], options, strict) for task in tasks)


def margin(metric: str, expected: float, share: float) -> str:
    """Tell by how much a figure may be more: a share of what is expected or, of what is small, the metric's floor.

    Args:
        metric: A `GateMetric`.
        expected: In its unit.
        share: Of that.
    """
    told, floor = format_figure(metric, expected), floor_of(metric)
    return (
        f"+{format_figure(metric, floor)} on {told}"
        if floor > share * expected
        else f"{format_change(share)} of {told}"
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Finding:
    """A comparison that has figures."""

    metric: str
    comparison: Comparison
    series: Series
    decision: Decision
    effect: float
    base: float
    head: float

    @property
    def status(self) -> Status:
        return self.decision.status

    @property
    def more(self) -> float:
        """What the head takes more, in the metric's unit."""
        return self.head - self.base

    def format(self, figure: float) -> str:
        return format_figure(self.metric, figure)

    @property
    def check(self) -> Check:
        """The figure against the limit that it was proved to keep, or not to keep."""
        actual = f"{format_change(self.effect)} ({self.format(self.head)})"
        if self.status is Status.PASS:
            budget = f"< {margin(self.metric, self.base, self.comparison.noticeable)}"
            return Check(metric=self.metric, budget=budget, actual=actual, ok=True)
        budget = f"≤ {margin(self.metric, self.base, self.comparison.tolerance)}"
        return Check(metric=self.metric, budget=budget, actual=f"{actual}, {_sure(self.comparison)}", ok=False)

    def told(self) -> str:
        """Tell the figures of all epochs."""
        base, head = (
            f"{self.format(middle)} ({self.format(min(figures))} to {self.format(max(figures))})"
            for middle, figures in ((self.base, self.series.base), (self.head, self.series.head))
        )
        return f"{self.metric} in {_epochs(self.series)}: base {base}, head {head}{self._seen}"

    def doubt(self) -> str:
        """Tell what is not decided, and why."""
        change = f"{format_change(self.effect)} ({self.format(self.base)} → {self.format(self.head)})"
        why = self.comparison.reason or "the evidence did not suffice"
        return f"{self.metric} undecided, {change} in {_epochs(self.series)}: {why}{self._seen}"

    @property
    def _seen(self) -> str:
        """What could have been seen at all."""
        fewest = math.ceil(math.log2(self.comparison.threshold or 1))  # an epoch doubles the evidence, at most
        if self.status is Status.INCONCLUSIVE and len(self.series.base) < fewest:
            return f"; a FAIL takes {fewest} epochs at least"
        detectable = self.decision.detectable
        return "" if detectable is None else f"; detectable: {format_change(detectable)} beyond the tolerance"


def _judge_task(comparisons: Sequence[Comparison], options: Sequence[str], strict: bool) -> Verdict:
    failures = [each for each in comparisons if each.metric in COUNTS]
    findings = [finding for each in comparisons if (finding := _finding(each)) is not None]
    blank = [each for each in comparisons if _finding(each) is None and each not in failures]
    undecided = [each for each in findings if each.status is Status.INCONCLUSIVE]
    decided = [each for each in findings if each.status is not Status.INCONCLUSIVE]
    checks = [failing.check(each, _sure(each)) for each in failures if strict or failing.is_worse(each)]
    checks += [each.check for each in decided]
    if strict:
        checks += [each.check for each in undecided]
        checks += [_blank_check(each) for each in blank if each.standing not in _OF_ONE_ARM]
    failed = any(not check.ok for check in checks)
    status = Status.FAIL if failed else Status.INCONCLUSIVE if undecided or blank or failures else Status.PASS
    return Verdict(
        marker=RegressionBudget.marker,
        task=comparisons[0].task or _WHOLE_TEST,
        status=status,
        checks=tuple(checks),
        evidence=(
            *map(failing.evidence, failures),
            *map(_Finding.doubt, undecided),
            *(line for each in blank for line in _blank(each).splitlines()),
            *map(_Finding.told, decided),
            *_proof(comparisons),
            *_notes(comparisons),
        ),
        fix=() if status is Status.PASS else (*_hints(findings), *_remedies(findings, failures, blank, options)),
    )


def _finding(comparison: Comparison) -> _Finding | None:
    """Return the figures of a comparison; None if there are none, or none that can be computed with."""
    series, decision = comparison.series, comparison.decision
    if series is None or decision is None or decision.effect is None:
        return None
    base, head = levels(series)
    return _Finding(
        metric=comparison.metric,
        comparison=comparison,
        series=series,
        decision=decision,
        effect=decision.effect,
        base=base,
        head=head,
    )


# -- the evidence --------------------------------------------------------------------------


def _blank(comparison: Comparison) -> str:
    """Say why there is no figure."""
    if comparison.standing in {*_OF_ONE_ARM, Standing.BROKEN}:
        return f"{comparison.standing}: {comparison.reason}"
    series = comparison.series or Series()
    useless = sum(not 0 < figure < math.inf for figure in (*series.base, *series.head))
    if useless:
        return f"{comparison.metric} undecided: {count(useless, 'figure', 'is', 'are')} zero or no number"
    return f"{comparison.metric} undecided: {comparison.reason or 'it was not measured'}".lstrip()


def _blank_check(comparison: Comparison) -> Check:
    what = comparison.metric or "comparison"
    actual = comparison.standing if comparison.standing is Standing.BROKEN else "unknown"
    return Check(metric=what, budget="PASS or FAIL", actual=actual, ok=False)


def _proof(comparisons: Sequence[Comparison]) -> Iterator[str]:
    """Say what it took to be sure, in this run."""
    proved = (each for each in comparisons if each.decision and each.decision.status is Status.FAIL)
    needed = max((each.threshold for each in proved), default=0.0)
    if needed:
        yield f"a FAIL takes {_odds(math.log(needed))}, with all comparisons of this run accounted for"


def _notes(comparisons: Sequence[Comparison]) -> Iterator[str]:
    yield from dict.fromkeys(each.note for each in comparisons if each.note)
    first = comparisons[0]
    if first.standing is Standing.RENAMED:
        yield f"RENAMED: in the base it is {first.base_test}"
    if any(each.changed for each in comparisons):
        yield "the test itself is not the same in base and head: what differs may be its own doing"


def _epochs(series: Series) -> str:
    return f"{len(series.base)} epoch{'s' * (len(series.base) != 1)}"


def _sure(comparison: Comparison) -> str:
    """Tell how sure it is that the head is worse."""
    decision = comparison.decision
    if decision is None or decision.status is Status.INCONCLUSIVE:
        return "undecided"
    return f"surer than {_odds(decision.log_e_fail)}"


def _odds(log_evidence: float) -> str:
    """Print how rarely chance alone shows as much, in two digits that do not exaggerate."""
    evidence = math.exp(min(log_evidence, _MOST_SURE)) * (1 + 1e-9)  # e to the ln of 1000 is less than 1000
    digit = 10 ** max(0, math.floor(math.log10(evidence)) - 1)
    return f"1 : {math.floor(evidence / digit) * digit:,}"


# -- what to do ----------------------------------------------------------------------------


def _hints(findings: Sequence[_Finding]) -> Iterator[str]:
    """Say where to look: which metrics grew together tells what a task does more of."""
    of = {each.metric: each for each in findings}
    failed = {name for name, each in of.items() if each.status is Status.FAIL}
    runtime, cpu = of.get(GateMetric.RUNTIME), of.get(GateMetric.CPU)
    if runtime is not None and GateMetric.RUNTIME in failed:
        yield _time_hint(runtime, cpu)
    elif cpu is not None and GateMetric.CPU in failed:
        yield _cpu_hint(cpu, runtime)
    if GateMetric.MEMORY in failed:
        yield (
            f"its process holds {of[GateMetric.MEMORY].format(of[GateMetric.MEMORY].more)} more at its peak: look for "
            "rows, files and results that are read whole instead of in chunks, and for new imports"
        )
    if failed.intersection(_BETWEEN) and runtime is not None and runtime.status is Status.PASS:
        yield (
            "its own runtime did not grow, so look at what lies around it: larger messages, more publications, "
            "routes, prefetching, slots"
        )


def _time_hint(runtime: _Finding, cpu: _Finding | None) -> str:
    more = runtime.format(runtime.more)
    if cpu is None:
        return f'whether it computes or waits for {more} more is told by metrics=[…, "cpu"]'
    if cpu.more >= _MOSTLY * runtime.more:
        return f"of {more} more, {cpu.format(cpu.more)} are CPU time: it computes more; {_LOOK_FOR_WORK}"
    of_cpu = f"only {cpu.format(cpu.more)} are" if cpu.more > floor_of(cpu.metric) else "nothing is"
    return (
        f"of {more} more, {of_cpu} CPU time: it waits more; look for queries, locks, sleeps and calls to other "
        "services, which celery_queries and celery_outbound name"
    )


def _cpu_hint(cpu: _Finding, runtime: _Finding | None) -> str:
    more = f"it computes for {cpu.format(cpu.more)} more"
    if runtime is None:
        return f"{more}; {_LOOK_FOR_WORK}"
    return f"{more}, though it does not surely take longer: a worker whose cores are all busy will"


def _remedies(
    findings: Sequence[_Finding], failures: Sequence[Comparison], blank: Sequence[Comparison], options: Sequence[str]
) -> Iterator[str]:
    yield from map(failing.fix, failures)
    failed = [each for each in findings if each.status is Status.FAIL]
    if failed and not failures:
        yield f"where it is meant, {_allowance(failed)} allows it until the base has it too"
    elif _may_be_decided(findings, failures):
        yield "more executions in the test, a longer --celery-perf-budget-time or a quieter machine decide sooner"
    broken = [each for each in blank if each.standing is Standing.BROKEN]
    if any(not each.task for each in broken):
        yield "only a test that passes in both versions can be compared"
    if any(each.task for each in broken) and not failures:
        yield "only tasks that work in both versions, or fail in both, can be compared: choose a base where it does so"
    comparable = [*(each.comparison for each in findings), *failures]
    comparable += [each for each in blank if each.standing not in _OF_ONE_ARM]
    if comparable:
        yield f"to compare this test alone: {shlex.join(['pytest', comparable[0].test, *options])}"


def _may_be_decided(findings: Sequence[_Finding], failures: Sequence[Comparison]) -> bool:
    """Tell whether all that is wrong is that more may have to be known."""
    statuses = {*(each.status for each in findings), *(each.decision.status for each in failures if each.decision)}
    return Status.INCONCLUSIVE in statuses and Status.FAIL not in statuses


def _allowance(failed: Sequence[_Finding]) -> str:
    """Return the marker that lets such effects pass: in steps of 5 %, at least one step above them."""
    tolerance = 5 * math.ceil(max(each.effect for each in failed) * 20 + 1)
    noticeable = max(each.comparison.noticeable for each in failed)
    wider = "" if tolerance < noticeable * 100 else f', noticeable="{tolerance + 15}%"'
    return f'celery_regression(tolerance="{tolerance}%"{wider})'
