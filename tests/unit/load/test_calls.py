"""What an attempt to find a capacity makes of a load."""

from __future__ import annotations

from typing import Any

from pytest_celery_perf.load.calls import Loads
from pytest_celery_perf.measure.load import Load
from pytest_celery_perf.model.load import OpenLoop
from tests.unit.histories import execution, failed, history, publication

LOOP = OpenLoop(rate_per_s=(30, 30), duration_s=2, count=60)


class Laid(Loads):
    """Loads that need no workers: two of sixty tasks have failed, late."""

    def __init__(self) -> None:
        pass

    def _lay(self, *_: Any, **__: Any) -> Load:  # type: ignore[explicit-override] # `override` is not in Python 3.11
        ids = [f"t{number}" for number in range(60)]
        executions = [failed(task_id) for task_id in ids[:2]] + [execution(task_id) for task_id in ids[2:]]
        publications = [publication(task_id, ms=-1000 * (task_id in ids[:2])) for task_id in ids]
        return Load.of(history(*executions, publications=publications), LOOP, ())


def test_a_task_that_is_late_and_failed_is_one() -> None:
    served: set[str] = set()
    step = Laid()._attempt([], LOOP, 0.9, 1, served)
    assert (step.held, step.late) == (True, 2 / 60)
    assert served == {"boot-1"}
