"""The marker ``celery_regression``: how a test is compared with another version of the code."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from pytest_celery_perf.errors import ConfigurationError
from pytest_celery_perf.model.arguments import one_of, sequence, task_name
from pytest_celery_perf.model.gate import GateMetric, RegressionBudget
from pytest_celery_perf.model.units import parse_share
from pytest_celery_perf.names import REGRESSION

if TYPE_CHECKING:
    import pytest

    from pytest_celery_perf.model.spec import TestSpec


def celery_regression(
    *,
    task: Any = None,
    metrics: Iterable[str] = ("runtime", "cpu", "memory", "drain"),
    tolerance: str | float = "5%",
    noticeable: str | float = "20%",
) -> RegressionBudget:
    """Say how ``--celery-perf-base`` compares the test with the base; without this marker it does so by these defaults.

    FAIL means that the head was proved worse by more than ``tolerance``, or to fail more of its tasks, PASS that it was
    proved worse by less than ``noticeable``, if at all. Metrics are runtime, cpu, memory, drain (from the first
    publication to the end of the last task; of ten tasks or more), queue and end_to_end; ``metrics=()`` leaves the test
    out.
    """
    names = sequence(metrics, "metrics", f"metrics: {', '.join(GateMetric)}")
    budget = RegressionBudget(
        task=task_name(task),
        metrics=tuple(dict.fromkeys(one_of(name, "metrics", *GateMetric) for name in names)),
        tolerance=parse_share(tolerance, "tolerance"),
        noticeable=parse_share(noticeable, "noticeable"),
    )
    if budget.noticeable <= budget.tolerance:
        raise ConfigurationError(
            f"noticeable={noticeable!r} is not above tolerance={tolerance!r}: what is worse by more than the tolerance "
            "fails, by less than what is noticeable passes"
        )
    return budget


def mark_of(item: pytest.Item) -> pytest.Mark | None:
    """Return the marker that counts for a test: the closest, so that one test may differ from its module.

    Raises:
        ConfigurationError: The closest are two.
    """
    marks = list(item.iter_markers_with_node(REGRESSION))
    if len(marks) > 1 and marks[0][0] is marks[1][0]:
        raise ConfigurationError(f"@pytest.mark.{REGRESSION}: there are two of it: what it says is of the whole test")
    return marks[0][1] if marks else None


def check(item: pytest.Item, spec: TestSpec) -> None:
    """Refuse a marker that is the test's own and asks for what is never done; that of a module is for its other tests.

    Raises:
        ConfigurationError: It is on a test that is not compared.
    """
    own = any(mark.name == REGRESSION for mark in item.own_markers)
    if own and spec.regression is not None and spec.regression.metrics and not spec.undisturbed:
        raise ConfigurationError(
            f"@pytest.mark.{REGRESSION}: a test with faults, kills, drills, sweeps, sizes or celery_retries is not "
            "compared with another version: write two tests"
        )
