"""Methods are replaced once and put back, unless somebody else came in between."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from pytest_celery_perf.probe import patch


@pytest.fixture
def owner() -> type:
    class Owner:
        def method(self) -> str:
            """What it does."""
            return "original"

    return Owner


def shouting(original: Callable[[object], str]) -> Callable[[object], str]:
    return lambda self: original(self) + "!"


def test_a_method_is_wrapped_once(owner: type) -> None:
    patch.wrap(owner, "method", shouting)
    patch.wrap(owner, "method", shouting)
    assert owner().method() == "original!"
    assert owner.method.__doc__ == "What it does."  # type: ignore[attr-defined]


def test_it_is_put_back(owner: type) -> None:
    original = owner.__dict__["method"]
    patch.wrap(owner, "method", shouting)
    patch.unwrap(owner, "method")
    patch.unwrap(owner, "method")
    assert owner.__dict__["method"] is original


def test_somebody_elses_replacement_stays(owner: type) -> None:
    patch.wrap(owner, "method", shouting)
    theirs = shouting(owner.__dict__["method"])
    owner.method = theirs  # type: ignore[attr-defined]
    patch.unwrap(owner, "method")
    assert owner.__dict__["method"] is theirs
