from __future__ import annotations

from .inner import Inner

APP, SUITE = "plain", "faults"


def test_every_fault(inner: Inner) -> None:
    assert inner.cases.keys() == inner.passed, inner.text
