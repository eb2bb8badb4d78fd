"""From the rows that instruments have written to the figures of an execution."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from pytest_celery_perf.collect.draft import Draft
from pytest_celery_perf.collect.ledger import frame_of
from pytest_celery_perf.model.figures import (
    CallUse,
    CpuUse,
    Figures,
    FunctionCalls,
    GarbageUse,
    MemoryUse,
    PayloadUse,
    ThreadUse,
)
from pytest_celery_perf.model.frame import Frame
from pytest_celery_perf.model.uses import (
    CacheCall,
    CacheUse,
    Connection,
    HttpRequest,
    HttpUse,
    LogText,
    LogUse,
    OutboundUse,
)
from pytest_celery_perf.probe import counters, readings

Item = TypeVar("Item")
Use = TypeVar("Use")


def figures_of(draft: Draft) -> Figures:
    """Return what was measured of an execution."""
    return Figures(
        garbage=_single(draft, "garbage", readings.Garbage, GarbageUse),
        memory=_single(draft, "memory", readings.Memory, MemoryUse),
        cpu=_single(draft, "cpu", readings.Cpu, CpuUse),
        thread=_single(draft, "thread", readings.Thread, _thread_use),
        payload=_single(draft, "payload", readings.Payload, PayloadUse),
        calls=_single(draft, "calls", readings.Calls, _call_use),
        cache=_several(draft, "cache", readings.Cached, CacheCall, lambda calls: CacheUse(calls=calls)),
        logs=_several(draft, "logs", readings.Logged, LogText, lambda texts: LogUse(texts=texts)),
        outbound=_several(
            draft, "outbound", readings.Connected, Connection, lambda made: OutboundUse(connections=made)
        ),
        requests=_several(draft, "requests", readings.Requested, HttpRequest, lambda sent: HttpUse(requests=sent)),
        counters={row.name: row.amount for row in map(_counted, draft.measured.get(counters.NAME, []))},
    )


def _single(draft: Draft, instrument: str, row: Callable[..., Any], use: Callable[..., Use]) -> Use | None:
    """Return the figures of an instrument that writes one row, whose fields have the same names there and here."""
    rows = draft.measured.get(instrument)
    return None if rows is None else use(**row(*rows[0])._asdict())


def _several(
    draft: Draft, instrument: str, row: Callable[..., Any], item: Callable[..., Item], use: Callable[..., Use]
) -> Use | None:
    """Return the figures of an instrument that writes a row for each kind of event and place."""
    rows = draft.measured.get(instrument)
    if rows is None:
        return None
    told = (row(*each)._asdict() for each in rows)
    return use(tuple(item(**{**each, "where": _frame(each["where"])}) for each in told))


def _thread_use(*, where: list[Any] | None, **fields: Any) -> ThreadUse:
    return ThreadUse(where=_frame(where), **fields)


def _call_use(*, calls: int, most: list[Any]) -> CallUse:
    return CallUse(
        count=calls, most=tuple(FunctionCalls(function=frame_of(where), count=times) for *where, times in most)
    )


def _frame(where: list[Any] | None) -> Frame | None:
    return None if where is None else frame_of(where)


def _counted(row: list[Any]) -> readings.Counted:
    return readings.Counted(*row)
