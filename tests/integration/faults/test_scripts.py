"""After scripts of random faults nothing is left, and what became of each task is explained.

``CELERY_PERF_TEST_SEEDS=0-199`` tries more of them.
"""

from __future__ import annotations

import os

import pytest

from tests.integration.faults.conftest import Run

SEEDS = os.environ.get("CELERY_PERF_TEST_SEEDS", "0-3")
FIRST, LAST = map(int, SEEDS.split("-"))
AT_ONCE = 10


@pytest.mark.slow
@pytest.mark.parametrize("first", range(FIRST, LAST + 1, AT_ONCE))
def test_scripts(run: Run, first: int) -> None:
    last = min(first + AT_ONCE - 1, LAST)
    inner = run("scripts", env={"OFFICE_SEEDS": f"{first}-{last}"})
    assert inner.cases.keys() == inner.passed, inner.text
    assert len(inner.passed) == last - first + 1
