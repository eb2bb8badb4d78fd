"""Scripts of faults from seeds; every task must have a class, and every task that is lost a reason."""

import os

import pytest
from office import safe

from pytest_celery_perf.measure.outcomes import TaskClass, classify

FIRST, LAST = map(int, os.environ["OFFICE_SEEDS"].split("-"))


@pytest.mark.celery_worker(concurrency=2)
@pytest.mark.parametrize("seed", range(FIRST, LAST + 1))
def test_script(celery_perf, celery_faults, seed):
    for _ in range(20):
        safe.delay()
    steps = celery_faults.script(seed, steps=4, seconds=8)
    assert len(steps) == 4
    celery_perf.wait()
    history = celery_perf.history
    vanished = {fault.task_id for fault in history.faults if fault.kind == "vanished"}
    for each in classify(history):
        lost = each.life.task_id in vanished
        assert (
            each.task_class is TaskClass.LOST if lost else each.task_class not in (TaskClass.LOST, TaskClass.STRANDED)
        )
        assert each.reason or each.task_class is TaskClass.COMPLETED, each
