"""The same test is known by what it does."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from pytest_celery_perf.gate.offer import digest_of, digest_of_source


def charge(*amounts: int) -> None:
    """Stand for what tests do."""


def query(text: str) -> None:
    """Stand for a task that is told much."""


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


class WithATextAtTheMargin:
    """Stands for a class of tests, too."""

    def method(self) -> None:
        """Do something."""
        query(
            """
select
"""
        )

    def another(self) -> None:
        """Do something."""
        query(
            """
select
"""
        )


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


@pytest.mark.parametrize("amount", [1])
def parametrized() -> None:
    """Do something."""
    charge(1)


def digest(function: Callable[..., object]) -> str:
    item: Any = SimpleNamespace(function=function, nodeid=f"test_offer.py::{function.__name__}")
    return digest_of(item)


@pytest.mark.parametrize("same", [renamed, laid_out, held_to_more])
def test_another_name_or_demand_is_the_same_test(same: Callable[[], None]) -> None:
    assert digest(same) == digest(original)


def test_of_a_class() -> None:
    assert digest(InAClass.method) == digest(InAClass.another)
    assert digest(WithATextAtTheMargin.method) == digest(WithATextAtTheMargin.another) != digest(InAClass.method)


def test_what_is_no_function_of_a_file() -> None:
    made: dict[str, Any] = {}
    exec("def one(): charge(1)\ndef other(): charge(2)", made)
    assert len({digest(each) for each in (made["one"], made["other"], original)}) == 3
    nameless = lambda: charge(1)  # noqa: E731 - pytest takes it for a test
    assert digest(nameless) != digest(original)


@pytest.mark.parametrize("other", [doing_more, on_another_worker, with_a_database])
def test_what_does_something_else_is_another(other: Callable[[], None]) -> None:
    assert digest(other) != digest(original)


KNOWN = """
import datetime, decimal, enum, functools, pytest
class Size(enum.Enum):
    SMALL = 1
def double(n): return 2 * n
class Order:
    def __init__(self, amount): self.amount = amount
"""
PARAMETRIZED = """
@pytest.mark.parametrize("value", {parameters})
def test_{number}(value):
    charge(value)
"""


@pytest.fixture
def digests(pytester: pytest.Pytester) -> Callable[..., list[list[str]]]:
    """Return what collects functions with such parameters, and returns the digests of the tests of each."""

    def collect(*parameters: str, text: str = PARAMETRIZED) -> list[list[str]]:
        found: list[list[str]] = [[] for _ in parameters]
        functions = (text.format(parameters=each, number=number) for number, each in enumerate(parameters))
        module = pytester.getmodulecol(KNOWN + "".join(functions), configargs=("-p", "no:celery_perf"))
        for item in pytester.genitems([module]):
            found[int(item.name.partition("[")[0].rpartition("_")[2])].append(digest_of(item))
        return found

    return collect


VALUES = (
    *("7", "True", "None", "'a b'", "b'a'", "7.5", "decimal.Decimal('7.5')", "datetime.date(2026, 11, 23)"),
    *("datetime.timedelta(1)", "Size.SMALL", "double", "Order", "[1, (2, 'a')]", "{'a': {'b', 'c'}}"),
)


def test_values_tell_tests_apart_whatever_they_are_called(digests: Callable[..., list[list[str]]]) -> None:
    mark = "marks=pytest.mark.celery_latency(max='1s')"
    found = digests(
        *(f"[{one}]" for one in VALUES),
        *(f"[{one}, 6], ids=['one', 'other']" for one in VALUES),
        *(f"[pytest.param({one}, id='x', {mark})]" for one in VALUES),
    )
    alone, called, marked = (found[len(VALUES) * place :][: len(VALUES)] for place in range(3))
    assert [one for (one,) in alone] == [one for one, _ in called] == [one for (one,) in marked]
    assert len({digest for each in found for digest in each}) == len(VALUES) + 1


def test_marks_of_a_value_count_as_those_of_a_function(digests: Callable[..., list[list[str]]]) -> None:
    (plain,), (on_another,) = digests("[7]", "[pytest.param(7, marks=pytest.mark.celery_worker(pool='solo'))]")
    assert plain != on_another


@pytest.mark.parametrize("one", ["Order(7)", "[Order(7)]", "lambda: 7", "functools.partial(double, 7)"])
def test_of_other_values_only_what_they_are_called_is_known(digests: Callable[..., list[list[str]]], one: str) -> None:
    """And what the function says of all of them."""
    one_more = f"[{one.replace('7', '8')}], ids=['x']"
    (alone,), (again,), (called,), (other,), (first, second) = digests(
        f"[{one}]", f"[{one}]", f"[{one}], ids=['x']", one_more, f"[{one}, {one}]"
    )
    assert alone == again
    assert len({alone, called, other, first, second}) == 5


def test_parameters_of_fixtures(digests: Callable[..., list[list[str]]]) -> None:
    fixture = "@pytest.fixture(params={parameters})\ndef value_{number}(request): return request.param\n"
    test = "def test_{number}(value_{number}): pass\n"
    (one, other), (two,), (three,) = digests("[6, 7], ids=['six', 'seven']", "[6]", "[7]", text=fixture + test)
    assert len({one, other, two, three}) == 4, "which fixture it is makes a difference, too"


def test_a_test_without_parameters_is_none_with_them() -> None:
    assert digest(parametrized) == digest_of_source(inspect.getsource(original)) == digest(original)
    item: Any = SimpleNamespace(function=parametrized, callspec=SimpleNamespace(params={"amount": 1}, marks=[], id="1"))
    assert digest_of(item) != digest(original)
