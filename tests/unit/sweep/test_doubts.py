"""Whether a test says itself what must hold."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from pytest_celery_perf.sweep.doubts import _asserts


def states(rows: list[int]) -> None:
    assert rows


def fails(rows: list[int]) -> None:
    if not rows:
        pytest.fail("there is none")


def calls(rows: list[int]) -> None:
    states(rows)


def calls_what_says_so(case: object) -> None:
    case.assert_paid()  # type: ignore[attr-defined]


def says_nothing(rows: list[int]) -> None:
    rows.append(1)


@pytest.mark.parametrize("function", [states, fails, calls, calls_what_says_so])
def test_what_says_what_must_hold(function: Callable[..., None]) -> None:
    assert _asserts(function)


@pytest.mark.parametrize("function", [says_nothing, len, None, pytest.fail])
def test_what_does_not(function: Callable[..., None] | None) -> None:
    assert not _asserts(function)
