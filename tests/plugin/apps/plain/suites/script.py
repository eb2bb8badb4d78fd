"""Tests that fail while, or after, a script of faults; what they must say is in test_script.py."""

from __future__ import annotations

import pytest
from office import safe

from pytest_celery_perf import CeleryFaults


@pytest.mark.parametrize("seed", [7])
def test_a_plain_assertion(celery_faults: CeleryFaults, seed: int) -> None:
    with celery_faults.script(seed, steps=2, kinds=["freeze"]):
        safe.delay()
    assert "this" == "that"  # noqa: PLR0133 - it must fail


@pytest.mark.celery_reliable(max_executions=1)
def test_a_verdict(celery_faults: CeleryFaults) -> None:
    with celery_faults.script(seed=8, steps=1, kinds=["kill_child"]):
        for _ in range(3):
            safe.delay()


def test_not_played(celery_faults: CeleryFaults) -> None:
    celery_faults.script(seed=9)


def test_nothing_struck(celery_faults: CeleryFaults) -> None:
    with celery_faults.script(seed=8, steps=2, kinds=["kill_child"]):
        safe.delay()


def test_without_a_failure(celery_faults: CeleryFaults) -> None:
    with celery_faults.script(seed=10, steps=1, kinds=["freeze"]):
        for _ in range(3):
            safe.delay()
