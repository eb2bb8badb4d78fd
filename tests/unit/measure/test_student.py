"""Student's quantiles are those of the printed tables; the benchmarks hold them against scipy's."""

from __future__ import annotations

import math

import pytest

from pytest_celery_perf.measure.student import student_quantile

TABLE = [
    (0.1, 1, 3.078),
    (0.05, 1, 6.314),
    (0.05, 2, 2.920),
    (0.025, 10, 2.228),
    (0.01, 5, 3.365),
    (0.001, 4, 7.173),
    (0.001, 19, 3.579),
    (0.0005, 3, 12.924),
    (0.001, 120, 3.160),
]
"""R. A. Fisher and F. Yates, "Statistical Tables" (1963), table III."""


@pytest.mark.parametrize(("alpha", "degrees", "quantile"), TABLE)
def test_the_printed_tables(alpha: float, degrees: int, quantile: float) -> None:
    assert quantile == pytest.approx(student_quantile(alpha, degrees), abs=5e-4)


def test_half_of_it_is_below_zero() -> None:
    assert student_quantile(0.5, 7) == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize(("alpha", "degrees"), [(0.0, 5), (0.6, 5), (math.nan, 5), (0.01, 0)])
def test_what_has_no_quantile_is_refused(alpha: float, degrees: int) -> None:
    with pytest.raises(ValueError, match="no quantile of Student's t"):
        student_quantile(alpha, degrees)
