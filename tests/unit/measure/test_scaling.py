from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_celery_perf.measure.scaling import (
    comparable,
    order_of_growth,
    slope_of_counts,
    slope_of_measurements,
    statement_growths,
)
from pytest_celery_perf.model.history import History
from tests.unit.histories import execution, failed, query

SIZES = (5, 10, 20, 40)


@given(st.floats(-1e3, 1e3), st.floats(-1e3, 1e3))
def test_both_slopes_of_a_line_are_its_own(slope: float, constant: float) -> None:
    points = [(float(size), slope * size + constant) for size in SIZES]
    assert slope == pytest.approx(slope_of_counts(points), abs=1e-6)
    assert slope == pytest.approx(slope_of_measurements(points), abs=1e-6)


def test_slopes_below_one_do_not_vanish() -> None:
    assert pytest.approx(0.01) == slope_of_counts([(100, 1), (200, 2), (400, 4)])


def test_one_disturbed_measurement_does_not_move_the_slope() -> None:
    points = [(float(size), size * 0.001) for size in range(1, 12)]
    disturbed = [*points[:-1], (11.0, 5.0)]
    assert pytest.approx(0.001) == slope_of_measurements(disturbed)
    assert slope_of_counts(disturbed) > 0.1


def test_repeated_sizes() -> None:
    assert pytest.approx(2) == slope_of_measurements([(1, 3), (1, 3), (2, 5), (2, 5)])


@pytest.mark.parametrize("power", [0, 1, 2, 3])
def test_the_order_is_the_power(power: int) -> None:
    assert pytest.approx(power) == order_of_growth([(size, 7.0 * size**power) for size in SIZES])


@pytest.mark.parametrize("points", [[(0, 1.0), (1, 2.0)], [(1, 0.0), (2, 4.0)]])
def test_what_is_zero_has_no_order(points: list[tuple[float, float]]) -> None:
    assert order_of_growth(points) is None


def sized(*sizes: int) -> History:
    return History(sizes={f"{size}": size for size in sizes})


def test_first_executions_of_a_process_are_left_out_where_there_are_others() -> None:
    cold, warm = (execution(root_id="5", first_in_process=first) for first in (True, False))
    other = execution(root_id="9")
    assert ({5: [warm], 9: [other]}, 1) == comparable([cold, warm, other], sized(5, 9), (5, 9))


def test_where_some_size_has_only_first_executions_all_are_compared_with_first_ones() -> None:
    cold, warm = (execution(root_id="5", first_in_process=first) for first in (True, False))
    other = execution(root_id="9", first_in_process=True)
    assert ({5: [cold], 9: [other]}, 0) == comparable([cold, warm, other], sized(5, 9), (5, 9))


def test_failures_are_left_out() -> None:
    assert ({5: []}, 0) == comparable([replace(failed(), root_id="5")], sized(5), (5,))


def test_statements_come_by_their_growth() -> None:
    by_size = {
        size: [execution(queries=(query(1, sql="SELECT a FROM x"), query(size, sql="SELECT b FROM y WHERE id = %s")))]
        for size in (2, 4)
    }
    told = [(one.statement.fingerprint, one.slope, one.counts) for one in statement_growths(by_size)]
    assert told == [("SELECT b FROM y WHERE id = ?", 1.0, (2, 4)), ("SELECT a FROM x", 0.0, (1, 1))]


def test_a_statement_that_is_not_sent_at_each_size() -> None:
    by_size = {2: [execution()], 4: [execution(queries=(query(3, sql="SELECT a FROM x"),))]}
    (growth,) = statement_growths(by_size)
    assert (growth.slope, growth.counts) == (1.5, (0, 3))
