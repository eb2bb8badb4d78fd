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
    print(celery_perf.journal())
    history = celery_perf.history
    vanished = {fault.task_id for fault in history.faults if fault.kind == "vanished"}
    unexplained = [
        (each.life.label, each.task_class, each.reason)
        for each in classify(history)
        if (each.task_class is TaskClass.LOST) != (each.life.task_id in vanished)
        or each.task_class in (TaskClass.STRANDED, TaskClass.POISON, TaskClass.FAILED)
        or not (each.reason or each.task_class is TaskClass.COMPLETED)
    ]
    assert unexplained == []
