"""From the rows that instruments have written to the figures of an execution."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from pytest_celery_perf.collect.book import Draft
from pytest_celery_perf.model.figures import CpuUse, Figures, GarbageUse, MemoryUse, PayloadUse
from pytest_celery_perf.probe import readings

Use = TypeVar("Use")


def figures_of(draft: Draft) -> Figures:
    """Return what was measured of an execution."""
    return Figures(
        garbage=_single(draft, "garbage", readings.Garbage, GarbageUse),
        memory=_single(draft, "memory", readings.Memory, MemoryUse),
        cpu=_single(draft, "cpu", readings.Cpu, CpuUse),
        payload=_single(draft, "payload", readings.Payload, PayloadUse),
        calls=_single(draft, "calls", readings.Calls, lambda *, calls: int(calls)),
    )


def _single(draft: Draft, instrument: str, row: Callable[..., Any], use: Callable[..., Use]) -> Use | None:
    """Return the figures of an instrument that writes one row, whose fields have the same names there and here."""
    rows = draft.measured.get(instrument)
    return None if rows is None else use(**row(*rows[0])._asdict())
