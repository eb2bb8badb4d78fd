"""The names of the markers: all that a suite without them must know."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_celery_perf.errors import ConfigurationError

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
_BEGINNING = "celery_"
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


def check_spelling(item: pytest.Item) -> None:
    """Refuse a marker that nobody has registered and that is spelt much as one of ours: it would judge nothing.

    Args:
        item: The test.

    Raises:
        ConfigurationError: It has one.
    """
    for mark in item.iter_markers():
        if not mark.name.startswith(_BEGINNING) or mark.name in MARKERS:
            continue
        import difflib

        # What all have in common would make each of them alike.
        ends = [name.removeprefix(_BEGINNING) for name in MARKERS]
        near = difflib.get_close_matches(mark.name.removeprefix(_BEGINNING), ends, n=1)
        registered = {line.partition(":")[0].partition("(")[0].strip() for line in item.config.getini("markers")}
        if near and mark.name not in registered:
            raise ConfigurationError(f"there is no @pytest.mark.{mark.name}; did you mean {_BEGINNING}{near[0]}?")
