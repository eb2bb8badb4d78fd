"""The names of the markers: all that a suite without them must know."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytest

MARKERS = (
    "celery_worker",
    "celery_queries",
    "celery_latency",
    "celery_throughput",
    "celery_share",
    "celery_isolation",
    "celery_retries",
    "celery_recovery",
    "celery_reliable",
    "celery_drill",
    "celery_fault",
    "celery_routing",
    "celery_cache",
    "celery_logs",
    "celery_outbound",
    "celery_memory",
    "celery_cpu",
    "celery_scaling",
    "celery_crash_sweep",
    "celery_fault_sweep",
    "celery_idempotent",
    "celery_regression",
)
ARM = "CELERY_PERF_ARM"
"""The environment variable that makes a pytest process an arm of a comparison: a `gate.channel.Assignment`, as text."""
DRILL = "celery_drill"
"""Also the parameter by which a test runs once for each of its drills; it may take it, as the drill's name."""
REGRESSION = "celery_regression"
SCALING = "celery_scaling"
SIZE = "celery_size"
"""The fixture by which a test learns the size that its data shall have."""
RELIABILITY = ("celery_recovery", "celery_reliable", "celery_drill")
"""Those whose failure is explained by all that happened."""


def concerns(item: pytest.Item) -> bool:
    """Tell whether a test has any of our markers, or uses one of the fixtures."""
    if not {"celery_perf", "celery_faults", SIZE}.isdisjoint(getattr(item, "fixturenames", ())):
        return True
    return any(mark.name in MARKERS for mark in item.iter_markers())
