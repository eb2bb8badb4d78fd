"""Judges ``celery_scaling``: how a figure of the executions grows with the size of their data."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from pytest_celery_perf.judge.failures import errors_of, raised
from pytest_celery_perf.judge.statements import advice, sent_from
from pytest_celery_perf.judge.subjects import SHOWN, Subject, fates, judge_each, never_started
from pytest_celery_perf.measure.fingerprint import readable
from pytest_celery_perf.measure.lives import Life
from pytest_celery_perf.measure.registry import METRICS, OF_EXECUTION, POOLS_OF
from pytest_celery_perf.measure.scaling import (
    BySize,
    Point,
    StatementGrowth,
    comparable,
    order_of_growth,
    slope_of_counts,
    slope_of_measurements,
    statement_growths,
)
from pytest_celery_perf.model.history import History
from pytest_celery_perf.model.metric import Unit
from pytest_celery_perf.model.scaling import ScalingBudget
from pytest_celery_perf.model.verdict import Check, Verdict
from pytest_celery_perf.probe.pools import ALL

MARKER = "celery_scaling"

_ROUNDING = 1e-9
"""Slopes that differ by no more are the same: they are computed with floating-point numbers."""


def judge(budget: ScalingBudget, history: History, root: Path | None = None) -> tuple[Verdict, ...]:
    """Judge the growth of a figure, for each task name on its own.

    Args:
        budget: The limits.
        history: What happened in the runs for all sizes; that of one run tells nothing of growth, and is not judged.
        root: The folder that paths are shown relative to.
    """
    return judge_each(MARKER, budget, history, root, _judge_task) if history.sizes else ()


def _judge_task(budget: ScalingBudget, subject: Subject) -> Verdict:
    started = [each for life in subject.lives for each in life.started]
    if not started:
        return never_started(subject)
    by_size, cold = comparable(started, subject.history, budget.sizes)
    figure = OF_EXECUTION[budget.metric]
    values = {size: [v for each in group if (v := figure(each)) is not None] for size, group in by_size.items()}
    if not all(values.values()):
        return _unknown(budget, subject, by_size, values)
    points = [(size, value) for size, found in values.items() for value in found]
    growths = statement_growths(by_size) if budget.metric == "queries" else ()
    checks = list(_checks(budget, points, growths))
    evidence = [_medians(budget, values)]
    if not all(check.ok for check in checks):
        evidence += _statements(budget, growths, subject)
    if cold:
        evidence.append(f"left out: {cold} first of their process, where caches were empty")
    return subject.verdict(checks, evidence, _fix(budget, growths, subject))


def _unknown(
    budget: ScalingBudget, subject: Subject, by_size: BySize, values: Mapping[int, Sequence[float]]
) -> Verdict:
    """Judge what has no figure at some size: the test's doing, the task's, or nobody's."""
    sizes = subject.history.sizes
    lives: dict[int, list[Life]] = {size: [] for size in by_size}
    for life in subject.lives:
        if life.publications and (size := sizes.get(life.publications[0].root_id)) is not None:
            lives[size].append(life)
    if unpublished := [size for size, own in lives.items() if not own]:
        none = [
            Check(metric=f"published at size {size}", budget="≥ 1", actual="0 times", ok=False) for size in unpublished
        ]
        return subject.verdict(none, fix=["publish the task whatever celery_size is"])
    if failed := {size: lives[size] for size, group in by_size.items() if not group}:
        return _without_success(subject, failed)
    silent = [size for size, found in values.items() if not found]
    return subject.verdict((), [_why(budget, silent, by_size)], inconclusive=True)


def _without_success(subject: Subject, failed: Mapping[int, Sequence[Life]]) -> Verdict:
    """Fail sizes at which no task has succeeded: only executions that do are compared."""
    checks = [
        Check(metric=f"succeeded at size {size}", budget="≥ 1", actual=f"0 of {len(lives)}", ok=False)
        for size, lives in failed.items()
    ]
    errors = {size: errors_of(lives) for size, lives in failed.items()}
    evidence = [f"at size {size} {raised(error, subject)}" for size, every in errors.items() for error in every[:1]]
    evidence.append(f"only executions that succeed are compared: {fates(subject)}")
    if not all(errors.values()):
        evidence += subject.history.diagnosis.splitlines()
    fix = [f"mend it, or what the test gives it at size {size}" for size, every in errors.items() if every]
    places = [error.where for every in errors.values() for error in every[:1] if error.where]
    return subject.verdict(checks, evidence, fix, places=places)


def _why(budget: ScalingBudget, silent: Sequence[int], by_size: BySize) -> str:
    """Say why nobody knows a figure of executions that succeeded."""
    metric, pools = budget.metric, {each.pool for size in silent for each in by_size[size]}
    own = POOLS_OF.get(metric, ALL)
    if shared := pools - own:
        *others, last = sorted(own)
        return (
            f"{metric} is not attributable on this pool: {', '.join(sorted(shared))}; "
            f"run this test on {', '.join(others)} or {last}"
        )
    at = "size" if len(silent) == 1 else "sizes"
    return f"{metric} is not known of any execution at {at} {', '.join(map(str, silent))}: none had it, or none told"


def _checks(budget: ScalingBudget, points: Sequence[Point], growths: Sequence[StatementGrowth]) -> Iterator[Check]:
    limit = budget.max_slope
    if limit is not None:
        total = (slope_of_counts if _counted(budget) else slope_of_measurements)(points)
        yield _slope_check(budget, budget.metric, total, limit)
        # What one statement saves at large sizes must not hide what another costs.
        steep = [each.slope for each in growths if each.slope > limit + _ROUNDING]
        if steep and total <= limit + _ROUNDING:
            yield _slope_check(budget, f"{budget.metric} of one statement", steep[0], limit)
    if budget.max_order is not None:
        order = order_of_growth(points)
        yield Check(
            metric=f"power of the size with which {budget.metric} grows",
            budget=f"≤ {budget.max_order:g}",
            actual="unknown (a figure or a size is 0)" if order is None else f"{order:.2f}",
            ok=order is not None and order <= budget.max_order + _ROUNDING,
        )


def _slope_check(budget: ScalingBudget, metric: str, slope: float, limit: float) -> Check:
    return Check(
        metric=f"{metric} per {budget.unit}",
        budget=f"≤ {_number(budget, limit)}",
        actual=_signed(budget, slope),
        ok=slope <= limit + _ROUNDING,
    )


def _counted(budget: ScalingBudget) -> bool:
    return METRICS[budget.metric].unit is Unit.COUNT


def _number(budget: ScalingBudget, value: float) -> str:
    return f"{value:.10g}" if _counted(budget) else METRICS[budget.metric].format(value)


def _signed(budget: ScalingBudget, slope: float) -> str:
    """Print a slope: counts with two decimals, or as many as tell it from 0."""
    if abs(slope) <= _ROUNDING:
        return "0"
    if not _counted(budget):
        return f"{'-' if slope < 0 else '+'}{METRICS[budget.metric].format(abs(slope))}"
    return f"{slope:+.2f}" if abs(slope) >= 0.01 else f"{slope:+.2g}"


def _medians(budget: ScalingBudget, values: Mapping[int, Sequence[float]]) -> str:
    found = " → ".join(METRICS[budget.metric].format(statistics.median(each)) for each in values.values())
    samples = ", ".join(str(len(each)) for each in values.values())
    return f"at {' → '.join(map(str, values))} {budget.unit}s: {budget.metric} {found} (executions: {samples})"


def _statements(budget: ScalingBudget, growths: Sequence[StatementGrowth], subject: Subject) -> Iterator[str]:
    """Show the statements that grow, and count the others."""
    steep = [each for each in growths if each.slope > _ROUNDING]
    for each in steep[:SHOWN]:
        counts = " → ".join(f"{count:g}" for count in each.counts)
        where = sent_from(each.statement, subject)
        yield (
            f"{readable(each.statement.fingerprint)}: {_signed(budget, each.slope)} per {budget.unit} ({counts})"
            + (f", {where}" if where else "")
        )
    if len(steep) > SHOWN:
        yield f"… and {len(steep) - SHOWN} more statements that grow"
    if others := len(growths) - len(steep):
        yield f"{others} other statement{'s' * (others > 1)} do{'es' * (others == 1)} not grow"


def _fix(budget: ScalingBudget, growths: Sequence[StatementGrowth], subject: Subject) -> Iterator[str]:
    steep = [each.statement for each in growths if each.slope > max(_ROUNDING, budget.max_slope or 0)]
    yield from advice(steep, subject)
    if steep and not any(each.repeated for each in steep):
        yield "send the statement for larger batches, or allow its growth by max_slope="
    if not growths:
        yield f"find what is done once for each {budget.unit}, or allow the growth by max_slope= or max_order="
