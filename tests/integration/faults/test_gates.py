"""Executions that are held leave the rest of their worker alone."""

from __future__ import annotations

import pytest

from tests.integration.faults.conftest import Run


@pytest.mark.gevent
def test_greenlets_that_are_held_keep_no_other_one_waiting(run: Run) -> None:
    inner = run("gates")
    assert len(inner.passed) == 1, inner.text
