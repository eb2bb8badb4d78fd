from __future__ import annotations

import pytest

from pytest_celery_perf.measure.figures import RECORDED, asked_figures
from pytest_celery_perf.measure.registry import METRICS, OF_EXECUTION
from pytest_celery_perf.model.figures import Figures, GarbageUse
from pytest_celery_perf.model.metric import Direction, Metric, Scope, Unit
from tests.unit.histories import execution


def test_every_figure_of_an_execution_is_a_metric() -> None:
    assert OF_EXECUTION.keys() <= METRICS.keys()
    assert {name for name, metric in METRICS.items() if metric.scope is Scope.EXECUTION} == set(OF_EXECUTION)
    assert set(RECORDED) <= OF_EXECUTION.keys()


def test_nothing_is_summed_up_unasked() -> None:
    assert asked_figures([execution(cpu_ns=5)]) == ()


def test_what_was_measured_is_summed_up_and_nothing_else() -> None:
    asked = [
        execution(cpu_ns=None, figures=Figures(garbage=GarbageUse(collections=n, paused_ns=n * 1000)))
        for n in (1, 2, 9)
    ]
    rows = {row.metric.name: row for row in asked_figures([*asked, execution(cpu_ns=7)])}
    assert rows.keys() == {"gc_pause", "gc_collections"}
    assert (rows["gc_collections"].executions, rows["gc_collections"].median, rows["gc_collections"].max) == (3, 2, 9)


def test_what_tasks_count_by_themselves_is_summed_up() -> None:
    counting = [execution(cpu_ns=5, figures=Figures(counters={"rows": n})) for n in (1, 4)]
    rows = asked_figures([*counting, execution()])
    assert [(row.metric.name, row.executions, row.median, row.max) for row in rows] == [("count rows", 2, 2.5, 4)]


@pytest.mark.parametrize(
    ("unit", "value", "text"),
    [
        (Unit.SECONDS, 0.25, "250ms"),
        (Unit.BYTES, 3 << 20, "3MiB"),
        (Unit.COUNT, 41, "41"),
        (Unit.COUNT, 2.5, "2.5"),
        (Unit.COUNT, 12345.6, "12,346"),
        (Unit.RATE, 120, "120/s"),
        (Unit.RATE, 0.5, "30/min"),
        (Unit.RATE, 0, "0/s"),
        (Unit.SHARE, 0.953, "95.3 %"),
        (Unit.SHARE, 1, "100 %"),
    ],
)
def test_a_figure_is_printed_in_its_unit(unit: Unit, value: float, text: str) -> None:
    metric = Metric(name="any", unit=unit, direction=Direction.LOWER, scope=Scope.RUN, meaning="")
    assert metric.format(value) == text
