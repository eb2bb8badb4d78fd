"""From the rows that instruments have written to the figures of an execution."""

from __future__ import annotations

from typing import Any

from pytest_celery_perf.collect.book import Draft
from pytest_celery_perf.model.figures import Figures, GarbageUse
from pytest_celery_perf.probe import readings


def figures_of(draft: Draft) -> Figures:
    """Return what was measured of an execution."""
    return Figures(garbage=_garbage(draft.measured.get("garbage")))


def _garbage(rows: list[Any] | None) -> GarbageUse | None:
    if rows is None:
        return None
    row = readings.Garbage(*rows[0])
    return GarbageUse(collections=row.collections, paused_ns=row.paused_ns)
