"""Where tasks touch the outside world, and faults there: the suites of the project beside this file."""

from __future__ import annotations

from collections.abc import Callable

import celery
import pytest

from tests.plugin.inner import Inner

Port = Callable[..., Inner]


def check(inner: Inner, names: int) -> None:
    """Check that all inner tests passed, and how many names they have."""
    assert (len(inner.passed), inner.status) == (names, 0), inner.text


def test_points(port: Port) -> None:
    check(port("points"), 7)


@pytest.mark.postgresql
def test_points_are_the_same_on_postgresql(port: Port, postgres: dict[str, str]) -> None:
    check(port("points", **postgres), 7)


@pytest.mark.slow
def test_strikes(port: Port) -> None:
    check(port("strikes"), 23)


@pytest.mark.slow
@pytest.mark.postgresql
def test_strikes_on_postgresql(port: Port, postgres: dict[str, str]) -> None:
    check(port("strikes", "-k", "kill or raise", **postgres), 16)


def test_a_chord_that_is_not_told(port: Port) -> None:
    """Since 5.7 Celery does not run again what had stored its result before its child died."""
    inner = port("chord")
    if celery.VERSION < (5, 7):
        check(inner, 1)
        return
    words = (
        "port.tasks.load and 2 more: points survived",
        "✗ stow:",
        "result part of a chord",
        "LOST: its result was stored, so that Celery did not run it again",
        "something has to look after chords that never end",
    )
    assert inner.lacks("test_chord", *words) == [], inner.text


@pytest.mark.slow
def test_pools(port: Port) -> None:
    check(port("pools", "-k", "not Gevent and not Container"), 7)


@pytest.mark.slow
@pytest.mark.gevent
def test_gevent(port: Port) -> None:
    check(port("pools", "-k", "Gevent"), 6)


@pytest.mark.slow
@pytest.mark.docker
def test_containers(port: Port, worker_image: str) -> None:
    check(port("pools", "-k", "Container", PORT_IMAGE=worker_image), 7)
