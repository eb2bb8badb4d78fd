"""How figures grow with the size of the data."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

from pytest_celery_perf.measure.queries import QueryProfile, Statement, profile
from pytest_celery_perf.model.history import History
from pytest_celery_perf.model.record import Execution, Outcome

Point = tuple[float, float]
"""A size, and a figure of one execution on data of that size."""
BySize = Mapping[int, Sequence[Execution]]


@dataclass(frozen=True, slots=True, kw_only=True)
class StatementGrowth:
    """How often one statement is sent, as the data grows."""

    slope: float
    """How many more of it for one more unit of size."""
    counts: tuple[float, ...]
    """How often one execution sends it, for each size in ascending order: the median."""
    statement: Statement
    """As the execution used it that sent it most often."""


def comparable(
    executions: Iterable[Execution], history: History, sizes: Sequence[int]
) -> tuple[dict[int, list[Execution]], int]:
    """Choose the executions that tell of the data's size, and of nothing else.

    The first execution of a task in its process fills caches, which costs the same at any size. So those are left out
    where each size has others. Failures are left out too: how far they came is chance.

    Args:
        executions: Of one task.
        history: Of a test that ran for several sizes.
        sizes: Those for which it ran, ascending.

    Returns:
        The executions by size, ascending; and how many were left out as the first ones of their processes.
    """
    found: dict[int, list[Execution]] = {size: [] for size in sizes}
    for each in executions:
        if each.root_id in history.sizes and each.outcome is Outcome.SUCCEEDED:
            found[history.sizes[each.root_id]].append(each)
    warm = {size: [each for each in group if not each.first_in_process] for size, group in found.items()}
    if all(warm.values()):
        return warm, sum(map(len, found.values())) - sum(map(len, warm.values()))
    cold = {size: [each for each in group if each.first_in_process] for size, group in found.items()}
    return (cold, 0) if all(cold.values()) else (found, 0)


def slope_of_counts(points: Sequence[Point]) -> float:
    """Return how much more is counted for one more unit of size, by least squares: of what is exact, each point counts.

    Source:
        ``statistics.linear_regression``: simple linear regression, ordinary least squares.
    """
    return statistics.linear_regression([size for size, _ in points], [value for _, value in points]).slope


def slope_of_measurements(points: Sequence[Point]) -> float:
    """Return how much more is measured for one more unit of size: the median slope between two points.

    An execution that the machine disturbed does not move it, as it would move a line of least squares.

    Source:
        P. K. Sen, "Estimates of the Regression Coefficient Based on Kendall's Tau", Journal of the American
        Statistical Association 63 (1968), after H. Theil (1950).
    """
    return statistics.median((b[1] - a[1]) / (b[0] - a[0]) for a, b in combinations(points, 2) if a[0] != b[0])


def order_of_growth(points: Sequence[Point]) -> float | None:
    """Return the power of the size with which a figure grows: 0 if it does not, 1 if it is proportional to it.

    What it costs at any size lowers the power, so that large sizes tell more.

    Returns:
        The slope of its logarithm over that of the size; None if a size or a figure is 0, which has none.
    """
    if any(size <= 0 or value <= 0 for size, value in points):
        return None
    return slope_of_measurements([(math.log(size), math.log(value)) for size, value in points])


def statement_growths(by_size: BySize) -> tuple[StatementGrowth, ...]:
    """Return how the number of each statement grows, the steepest first.

    Args:
        by_size: Executions of one task, some for each size.
    """
    profiles = {size: [profile(each) for each in group] for size, group in by_size.items()}
    uses: dict[tuple[str, str], Statement] = {}
    for each in (each for group in profiles.values() for each in group):
        for one in each.statements:
            key = (one.alias, one.fingerprint)
            if key not in uses or one.count > uses[key].count:
                uses[key] = one
    growths = [_growth(statement, profiles) for statement in uses.values()]
    return tuple(sorted(growths, key=lambda growth: growth.slope, reverse=True))


def _growth(statement: Statement, profiles: Mapping[int, Sequence[QueryProfile]]) -> StatementGrowth:
    counts = {size: [_count(statement, each) for each in group] for size, group in profiles.items()}
    return StatementGrowth(
        slope=slope_of_counts([(size, count) for size, group in counts.items() for count in group]),
        counts=tuple(statistics.median(group) for group in counts.values()),
        statement=statement,
    )


def _count(statement: Statement, used_by: QueryProfile) -> int:
    wanted = (statement.alias, statement.fingerprint)
    return next((each.count for each in used_by.statements if (each.alias, each.fingerprint) == wanted), 0)
