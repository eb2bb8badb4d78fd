"""The same test is known by what it does."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from pytest_celery_perf.gate.offer import digest_of


def charge(*amounts: int) -> None:
    """Stand for what tests do."""


def original() -> None:
    """Do something."""
    charge(1)


def renamed() -> None:
    """Do something."""
    charge(1)


def laid_out() -> None:
    """Do something."""
    # A comment changes nothing.
    charge(
        1,
    )


@pytest.mark.celery_latency(max="1s")
@pytest.mark.celery_regression(metrics=["cpu"])
def held_to_more() -> None:
    """Do something."""
    charge(1)


class InAClass:
    """Stands for a class of tests."""

    def method(self) -> None:
        """Do something."""
        charge(1)

    @pytest.mark.celery_cpu(max="1s")
    def another(self) -> None:
        """Do something."""
        charge(1)


def doing_more() -> None:
    """Do something."""
    charge(1, 2)


@pytest.mark.celery_worker(pool="solo")
def on_another_worker() -> None:
    """Do something."""
    charge(1)


@pytest.mark.django_db(transaction=True)
def with_a_database() -> None:
    """Do something."""
    charge(1)


def digest(function: Callable[..., object], parameters: str | None = None) -> str:
    item: Any = SimpleNamespace(function=function)
    if parameters is not None:
        item.callspec = SimpleNamespace(id=parameters)
    return digest_of(item)


@pytest.mark.parametrize("same", [renamed, laid_out, held_to_more])
def test_another_name_or_demand_is_the_same_test(same: Callable[[], None]) -> None:
    assert digest(same) == digest(original)


def test_of_a_class() -> None:
    assert digest(InAClass.method) == digest(InAClass.another)


@pytest.mark.parametrize("other", [doing_more, on_another_worker, with_a_database])
def test_what_does_something_else_is_another(other: Callable[[], None]) -> None:
    assert digest(other) != digest(original)


def test_parameters_tell_tests_apart() -> None:
    assert len({digest(original), digest(original, "1"), digest(original, "2")}) == 3
    assert digest(original, "1") == digest(renamed, "1")
