"""The same script, several times; whether the same has happened is compared in test_determinism.py."""

import os

import pytest
from office import safe

TASKS = 12
SEED, TIMES = (int(os.environ[name]) for name in ("OFFICE_SEED", "OFFICE_TIMES"))


# With one slot and nothing held in advance, which task is next is not left to chance.
@pytest.mark.celery_worker(concurrency=1, prefetch=1)
@pytest.mark.parametrize("time", range(TIMES))
def test_script(celery_perf, celery_faults, celery_network, time):
    with celery_faults.script(SEED, steps=4) as script:
        for _ in range(TASKS):
            safe.delay()
    assert len(script.steps) == 4
    celery_perf.wait()
