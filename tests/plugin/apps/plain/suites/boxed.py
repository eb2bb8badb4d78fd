"""Instruments in a worker that runs in a container; test_measure.py says what is asked for."""

from __future__ import annotations

import os
from statistics import median

import pytest
from kombu.serialization import dumps
from office import burn, call, hoard

from pytest_celery_perf import CeleryPerf
from pytest_celery_perf.measure.registry import OF_EXECUTION

MIB = 1 << 20

pytestmark = pytest.mark.celery_worker(
    name="box", concurrency=1, runtime="container", image=os.environ.get("OFFICE_IMAGE", "none")
)


def test_memory_cpu_and_message(celery_perf: CeleryPerf) -> None:
    (held,) = celery_perf.run(hoard, (50 * MIB, 0.03)).history.executions
    burnt = celery_perf.run(burn, (0.03,), times=5).history.executions
    assert OF_EXECUTION["memory_added"](held) == pytest.approx(50 * MIB, abs=3 * MIB)
    assert median(OF_EXECUTION["cpu"](each) for each in burnt) == pytest.approx(0.03, rel=0.03)
    embed = {"callbacks": None, "errbacks": None, "chain": None, "chord": None}
    assert OF_EXECUTION["message_size"](burnt[0]) == len(dumps([[0.03], {}, embed], serializer="json")[2])


@pytest.mark.celery_cpu(calls=1_001)
def test_calls(celery_perf: CeleryPerf) -> None:
    celery_perf.run(call, (1_000,))
