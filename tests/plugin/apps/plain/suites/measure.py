"""Figures that are measured because somebody asks for them; all of these pass under ``--celery-perf-measure=all``."""

from __future__ import annotations

import pytest
from office import tidy

from pytest_celery_perf import CeleryPerf
from pytest_celery_perf.measure.registry import OF_EXECUTION
from pytest_celery_perf.model.figures import UNMEASURED


@pytest.mark.parametrize("times", [0, 3])
@pytest.mark.celery_worker(pool="prefork", concurrency=1)
def test_garbage(celery_perf: CeleryPerf, times: int) -> None:
    executions = celery_perf.run(tidy, (times,), times=5).history.executions
    # Celery's own allocations make the collector run too, in some executions: in the first one most of all.
    assert min(OF_EXECUTION["gc_collections"](each) or 0 for each in executions) == times
    assert all((OF_EXECUTION["gc_pause"](each) or 0) >= 0 for each in executions)


@pytest.mark.celery_worker(pool="threads", concurrency=2)
def test_garbage_belongs_to_all_threads(celery_perf: CeleryPerf) -> None:
    (execution,) = celery_perf.run(tidy, (1,)).history.executions
    assert OF_EXECUTION["gc_pause"](execution) is None


def test_unasked(celery_perf: CeleryPerf) -> None:
    """Without the option nobody measures."""
    (execution,) = celery_perf.run(tidy, (1,)).history.executions
    assert execution.figures == UNMEASURED
