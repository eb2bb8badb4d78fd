from __future__ import annotations

from importlib import import_module

from pytest_celery_perf.measure.registry import INSTRUMENTS_OF, OF_EXECUTION, POOLS_OF
from pytest_celery_perf.probe.instruments import INSTRUMENTS
from pytest_celery_perf.probe.pools import ALL
from tests.unit.histories import execution

RECORDED = {"runtime", "queries", "children", "connects", "slow_queries"}


def test_what_is_recorded_of_each_execution_needs_no_instruments() -> None:
    assert OF_EXECUTION.keys() - INSTRUMENTS_OF.keys() == RECORDED
    assert None not in {OF_EXECUTION[metric](execution()) for metric in RECORDED}


def test_other_figures_are_unknown_without_theirs() -> None:
    assert {None} == {OF_EXECUTION[metric](execution()) for metric in INSTRUMENTS_OF}
    assert {each for needed in INSTRUMENTS_OF.values() for each in needed} <= {*INSTRUMENTS}


def test_a_metric_is_known_on_the_pools_of_its_instruments() -> None:
    for metric, names in INSTRUMENTS_OF.items():
        modules = [import_module(f"pytest_celery_perf.probe.instruments.{name}") for name in names]
        assert frozenset[str]().union(*(module.POOLS for module in modules)) == POOLS_OF.get(metric, ALL), metric
