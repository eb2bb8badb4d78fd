"""A script of faults from a seed; what became of the tasks is judged in test_scripts.py."""

import os

import pytest
from office import safe

TASKS = 20


@pytest.mark.celery_worker(concurrency=2)
@pytest.mark.parametrize("seed", [int(os.environ["OFFICE_SEED"])])
def test_script(celery_perf, celery_faults, celery_network, seed):
    with celery_faults.script(seed, steps=4, seconds=20) as script:
        for _ in range(TASKS):
            safe.delay()
    assert len(script.steps) == 4
    celery_perf.wait()
