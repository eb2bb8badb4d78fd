"""Refuses, at collection, what cannot run several times, or asks for what there is not."""

from __future__ import annotations

import inspect
import unittest
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from pytest_celery_perf.errors import ConfigurationError
from pytest_celery_perf.model.orders import FaultBudget
from pytest_celery_perf.model.spec import DrillBudget, RecoveryBudget
from pytest_celery_perf.project import Project
from pytest_celery_perf.state import column_names
from pytest_celery_perf.sweep.rerun import aliases_of

if TYPE_CHECKING:
    import pytest

    from pytest_celery_perf.model.spec import RerunBudget, TestSpec

_MARKERS = {RecoveryBudget: "celery_recovery", DrillBudget: "celery_drill", FaultBudget: "celery_fault"}


def check(item: pytest.Item, spec: TestSpec) -> None:
    """Check what the markers say of a test that shall run several times.

    Raises:
        ConfigurationError: It cannot.
    """
    for budget in spec.reruns:
        try:
            _check(budget, item, spec)
        except ConfigurationError as error:
            raise ConfigurationError(f"@pytest.mark.{budget.marker}: {error}") from None


def _check(budget: RerunBudget, item: pytest.Item, spec: TestSpec) -> None:
    for each in spec.budgets:
        if isinstance(each, (RecoveryBudget, DrillBudget, FaultBudget)):
            marker = _MARKERS[type(each)]
            raise ConfigurationError(
                f"a sweep compares with a run in which nothing goes wrong, and @pytest.mark.{marker} has something go"
                " wrong in each: write two tests"
            )
    _check_invariant(budget, item)
    if not Project(item.config).uses_django:
        if budget.volatile:
            raise ConfigurationError("volatile= names columns of Django's tables, and Django is not configured here")
        return
    if issubclass(getattr(item, "cls", None) or object, unittest.TestCase) or not _has_database(item):
        raise ConfigurationError(
            "a sweep runs the test many times, and each run must begin with the same rows: make it a function (or a "
            "method of a plain class) with @pytest.mark.django_db(transaction=True)"
        )
    known = column_names(aliases_of(item))
    for name in budget.volatile:
        _check_column(name, known)


def _has_database(item: pytest.Item) -> bool:
    fixtures = {*getattr(item, "fixturenames", ())}
    return item.get_closest_marker("django_db") is not None or bool(fixtures & {"transactional_db", "live_server"})


def _check_invariant(budget: RerunBudget, item: pytest.Item) -> None:
    if budget.invariant is None:
        return
    names: Mapping[str, Any] = inspect.signature(budget.invariant).parameters
    fixtures = getattr(item, "fixturenames", ())
    for name, parameter in names.items():
        if name not in fixtures and parameter.default is inspect.Parameter.empty:
            raise ConfigurationError(
                f"invariant= takes {name!r}, which is none of the test's fixtures: {', '.join(sorted(fixtures))}"
            )


def _check_column(name: str, known: Mapping[str, tuple[str, ...]]) -> None:
    table, _, path = name.partition(".")
    column = path.partition(".")[0].partition("[")[0]
    # Of a table without a model nobody knows before there is a database.
    if column and column not in known.get(table, (column,)):
        raise ConfigurationError(f"volatile={name!r}: {table} has the columns {', '.join(known[table])}")
