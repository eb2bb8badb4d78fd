"""Judges a test run by another one: what is counted, exactly, as by a lock file; times only where a gate made both.

Two runs were made at different times, maybe on different machines: what one took more than the other may be the
machine's doing, so that is told and judged by nobody. Where each of the runs was a comparison with the same base, in
turns, both know their distance from it, and the difference of the distances is judged as a comparison in one run is.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from pytest_celery_perf.judge import lock, regression
from pytest_celery_perf.judge.phrases import join
from pytest_celery_perf.measure.differences import differences, former_name
from pytest_celery_perf.measure.evidence import computable, decide, threshold
from pytest_celery_perf.measure.facts import facts_of, lasts_by_the_clock
from pytest_celery_perf.measure.stored import JUDGED, figures_of
from pytest_celery_perf.model.comparison import Row, TestPair
from pytest_celery_perf.model.gate import COUNTS, Comparison, GateReport, Series, Standing
from pytest_celery_perf.model.lock import NEVER, TALLY, TestFacts
from pytest_celery_perf.model.result import TestResult
from pytest_celery_perf.model.verdict import Verdict

_VERSIONS = ("python", "celery", "kombu", "redis", "django")
"""On which the number of Python calls depends."""
MARKER = "compare"
_PASSED = "passed"


def judge(
    before: Sequence[TestResult],
    after: Sequence[TestResult],
    environments: tuple[Mapping[str, str], Mapping[str, str]],
    gates: tuple[GateReport | None, GateReport | None] = (None, None),
    root: Path | None = None,
) -> tuple[TestPair, ...]:
    """Compare two test runs.

    Args:
        before: The tests of one, with all their records.
        after: Those of the other, which is judged.
        environments: Of both.
        gates: What both have to say of a comparison of their own.
        root: The folder that paths are shown relative to.

    Returns:
        Each test, in the order of the second run; those that it has no more come last.
    """
    was, now = _by_name(before), _by_name(after)
    versions = tuple(
        ", ".join(f"{each} {found[each]}" for each in _VERSIONS if each in found) for found in environments
    )
    facts_before = {name: facts_of(test.history, versions[0]) for name, test in was.items()}
    gone = {name: facts for name, facts in facts_before.items() if name not in now}
    pairs = []
    for name, test in now.items():
        facts = facts_of(test.history, versions[1])
        former = name if name in was else former_name(name, facts, gone)
        if not former:
            pairs.append(TestPair(test=name, standing=Standing.NEW))
            continue
        gone.pop(former, None)
        pair = _pair(was[former], test, facts_before[former], facts, root)
        pairs.append(replace(pair, verdicts=(*pair.verdicts, *_by_gates(name, former, gates))))
    return (*pairs, *(_removed(was[name]) for name in gone))


def _removed(was: TestResult) -> TestPair:
    reason = "" if was.outcome == _PASSED else "it did not pass before"
    return TestPair(test=was.nodeid, standing=Standing.REMOVED, reason=reason)


def _by_name(tests: Sequence[TestResult]) -> dict[str, TestResult]:
    """Choose of each test the last result, which is that of its last attempt."""
    return {test.nodeid: test for test in tests if test.rows or test.outcome != "skipped"}


def _pair(was: TestResult, now: TestResult, locked: TestFacts, seen: TestFacts, root: Path | None) -> TestPair:
    renamed = Standing.COMPARED if was.nodeid == now.nodeid else Standing.RENAMED
    pair = TestPair(test=now.nodeid, standing=renamed, before="" if was.nodeid == now.nodeid else was.nodeid)
    broken = [which for which, test in (("before", was), ("after", now)) if test.outcome != _PASSED]
    if broken:
        fails = broken == ["after"]
        failed = tuple(verdict for verdict in now.verdicts if verdict.failed) if fails else ()
        reason = f"it did not pass {join(broken)}"
        return replace(pair, standing=Standing.BROKEN, reason=reason, fails=fails, verdicts=failed)
    timings = tuple(_timings(was, now))
    if any(lasts_by_the_clock(each.history) for each in (was, now)):
        return replace(pair, reason="a schedule decided how many tasks there were, so nothing is exact", rows=timings)
    found = differences(locked, seen)
    return replace(
        pair,
        better=bool(found) and not any(each.more for each in found),
        rows=(*_counts(locked, seen), *timings),
        verdicts=tuple(map(_of_runs, lock.judge(locked, seen, now.history, now.nodeid, root))),
    )


def _of_runs(verdict: Verdict) -> Verdict:
    """Say what a lock file's judge says of something that is not locked."""
    checks = tuple(replace(check, budget=check.budget.replace("locked", "was")) for check in verdict.checks)
    return replace(verdict, marker=MARKER, checks=checks, fix=())


def _counts(locked: TestFacts, seen: TestFacts) -> Iterator[Row]:
    for task in sorted({**locked.tasks, **seen.tasks}):
        was, now = locked.tasks.get(task), seen.tasks.get(task)
        for metric in TALLY:
            numbers = [0 if each is None else each.tally.get(metric, NEVER).most for each in (was, now)]
            if any(numbers):
                yield Row(task=task, metric=metric, before=numbers[0], after=numbers[1], exact=True)
        kinds = sorted({*(was.kinds if was else ()), *(now.kinds if now else ())})
        for kind in kinds:
            totals = [
                sum(bounds.most for bounds in each.kinds[kind].values()) if each and kind in each.kinds else None
                for each in (was, now)
            ]
            if any(totals):
                yield Row(task=task, metric=kind, before=totals[0], after=totals[1], exact=True)


def _timings(was: TestResult, now: TestResult) -> Iterator[Row]:
    before, after = (
        {
            (each.task, each.metric, each.end): each.value
            for each in figures_of(test.nodeid, test.history)
            if each.metric in JUDGED
        }
        for test in (was, now)
    )
    for task, metric, end in {**before, **after}:
        figures = before.get((task, metric, end)), after.get((task, metric, end))
        yield Row(task=task, metric=metric, end=end, before=figures[0], after=figures[1], exact=False)


# -- where a gate made both ----------------------------------------------------------------


def same_base(gates: tuple[GateReport | None, GateReport | None]) -> bool:
    """Tell whether both runs were compared with the same revision: how it was named does not matter."""
    before, after = gates
    return before is not None and after is not None and before.base.split()[:1] == after.base.split()[:1]


def _by_gates(test: str, former: str, gates: tuple[GateReport | None, GateReport | None]) -> tuple[Verdict, ...]:
    before, after = gates
    if before is None or after is None or not same_base(gates):
        return ()
    known = {(each.task, each.metric): each for each in before.comparisons if each.test == former}
    several = threshold(len(after.comparisons))
    found = [
        _distance(known[each.task, each.metric], each, several)
        for each in after.comparisons
        if each.test == test and each.metric not in COUNTS and (each.task, each.metric) in known
    ]
    comparisons = [each for each in found if each is not None]
    return regression.judge(comparisons) if comparisons else ()


def _distance(before: Comparison, after: Comparison, threshold: float) -> Comparison | None:
    """Compare how far two heads are from their common base, epoch by epoch.

    The epochs of two gates have nothing to do with each other, so any pairs will do, and that of d = ln(head / base) of
    one with that of the other is symmetric about the difference of their centres, which is all that `decide` assumes.
    """
    if before.series is None or after.series is None or not (computable(before.series) and computable(after.series)):
        return None
    usual = statistics.median(before.series.base)
    ratios = [
        tuple(usual * head / base for base, head in zip(series.base, series.head, strict=True))
        for series in (before.series, after.series)
    ]
    epochs = min(map(len, ratios))
    series = Series(base=ratios[0][:epochs], head=ratios[1][:epochs])
    decision = decide(series, after.metric, tolerance=after.tolerance, noticeable=after.noticeable, threshold=threshold)
    return replace(after, series=series, decision=decision, threshold=threshold, base_test=before.test)
