"""What tasks do with caches, loggers and others on the network: figures whose true values are known."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.plugin.inner import Inner

Play = Callable[..., Inner]
MEASURED = "--celery-perf-measure=cache,logs,outbound,requests"


def check(inner: Inner, names: int) -> None:
    """Check that all inner tests passed, and how many names they have."""
    assert (len(inner.passed), inner.status) == (names, 0), inner.text


@pytest.mark.slow
def test_figures_on_pools(play: Play) -> None:
    check(play("agency", "pools", MEASURED, "-k", "not Gevent"), 12)


@pytest.mark.gevent
def test_figures_on_gevent(play: Play) -> None:
    check(play("agency", "pools", MEASURED, "-k", "Gevent"), 12)


def test_what_is_imported_late(play: Play) -> None:
    check(play("agency", "clients", MEASURED), 5)
