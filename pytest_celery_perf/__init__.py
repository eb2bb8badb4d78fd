"""Performance and reliability regression tests for Celery tasks, on real workers.

The public names are loaded when they are first used: a worker that runs the probe imports
this package too, and must not import pytest.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pytest_celery_perf.errors import CeleryPerfError as CeleryPerfError
    from pytest_celery_perf.errors import ConfigurationError as ConfigurationError
    from pytest_celery_perf.errors import NotEnoughSamplesError as NotEnoughSamplesError
    from pytest_celery_perf.errors import UnfinishedTasksError as UnfinishedTasksError
    from pytest_celery_perf.faults import CeleryFaults as CeleryFaults
    from pytest_celery_perf.faults.network import CeleryNetwork as CeleryNetwork
    from pytest_celery_perf.fixtures import CeleryPerf as CeleryPerf
    from pytest_celery_perf.measure.capacity import Capacity as Capacity
    from pytest_celery_perf.measure.distribution import Distribution as Distribution
    from pytest_celery_perf.measure.load import Load as Load
    from pytest_celery_perf.measure.summary import Run as Run
    from pytest_celery_perf.model.history import History as History
    from pytest_celery_perf.model.record import Execution as Execution
    from pytest_celery_perf.probe.counters import count as count

_PUBLIC = {
    "Capacity": "measure.capacity",
    "CeleryFaults": "faults.control",
    "CeleryNetwork": "faults.network",
    "CeleryPerf": "fixtures",
    "CeleryPerfError": "errors",
    "ConfigurationError": "errors",
    "Distribution": "measure.distribution",
    "Execution": "model.record",
    "History": "model.history",
    "Load": "measure.load",
    "NotEnoughSamplesError": "errors",
    "Run": "measure.summary",
    "UnfinishedTasksError": "errors",
    "count": "probe.counters",
}

__all__ = [
    "Capacity",
    "CeleryFaults",
    "CeleryNetwork",
    "CeleryPerf",
    "CeleryPerfError",
    "ConfigurationError",
    "Distribution",
    "Execution",
    "History",
    "Load",
    "NotEnoughSamplesError",
    "Run",
    "UnfinishedTasksError",
    "count",
]


def __getattr__(name: str) -> Any:
    if name not in _PUBLIC:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_PUBLIC[name]}"), name)
