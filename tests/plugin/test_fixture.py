from __future__ import annotations

from .inner import Inner

APP, SUITE = "plain", "fixture"


def test_every_use_of_the_fixture(inner: Inner) -> None:
    assert inner.cases.keys() == inner.passed, inner.text
    assert len(inner.cases) == 22
