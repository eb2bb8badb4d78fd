from __future__ import annotations

from .inner import Inner

APP, SUITE = "plain", "load"


def test_every_load(inner: Inner) -> None:
    assert inner.cases.keys() == inner.passed, inner.text
    assert len(inner.cases) == 19
