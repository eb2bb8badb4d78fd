"""Tasks whose work is done when their result backend is away."""

from __future__ import annotations

from typing import Any

import pytest
from post import ring_twice, stamp, tear, weigh

from pytest_celery_perf import CeleryFaults, CeleryNetwork, CeleryPerf

HELD_S = 20.0
"""Shorter than the timeout: who waits for what never comes fails."""


def end_without_results(
    celery_perf: CeleryPerf, celery_faults: CeleryFaults, celery_network: CeleryNetwork, task: Any, *args: str
) -> None:
    """Run a task whose result cannot be stored, but for those of its later deliveries and attempts."""
    with celery_faults.hold(task) as held:
        task.delay(*args)
        held.wait()
        cut = celery_network.cut(link="results")
    celery_faults.when("ended", task)
    cut.heal()
    celery_perf.wait(timeout=HELD_S)


@pytest.mark.celery_reliable
def test_early(celery_perf: CeleryPerf, celery_faults: CeleryFaults, celery_network: CeleryNetwork) -> None:
    end_without_results(celery_perf, celery_faults, celery_network, weigh, "a")


@pytest.mark.celery_reliable
def test_late(celery_perf: CeleryPerf, celery_faults: CeleryFaults, celery_network: CeleryNetwork) -> None:
    end_without_results(celery_perf, celery_faults, celery_network, stamp, "a")


@pytest.mark.celery_reliable(declared_failures=["ValueError"])
def test_failing(celery_perf: CeleryPerf, celery_faults: CeleryFaults, celery_network: CeleryNetwork) -> None:
    end_without_results(celery_perf, celery_faults, celery_network, tear, "a")


@pytest.mark.celery_reliable
def test_trying_again(celery_perf: CeleryPerf, celery_faults: CeleryFaults, celery_network: CeleryNetwork) -> None:
    end_without_results(celery_perf, celery_faults, celery_network, ring_twice)


@pytest.mark.celery_worker(config={"result_backend_always_retry": True})
@pytest.mark.celery_reliable
def test_mended(celery_perf: CeleryPerf, celery_faults: CeleryFaults, celery_network: CeleryNetwork) -> None:
    with celery_faults.hold(stamp) as held:
        result = stamp.delay("a")
        held.wait()
        cut = celery_network.cut(link="results")
    celery_faults.when("started", stamp)
    cut.heal()
    # Celery's client asks for results and then subscribes to them anew: one that comes in between it never hears of.
    celery_perf.wait(timeout=HELD_S)
    assert result.get(timeout=HELD_S) == 1
