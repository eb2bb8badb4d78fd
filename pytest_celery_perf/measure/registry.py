"""Every metric once. Who prints a figure, or compares two, asks here what it is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TypeVar

from pytest_celery_perf.measure.cpu import cpu_ns, cpu_share
from pytest_celery_perf.measure.outbound import calls_of
from pytest_celery_perf.measure.queries import body_queries, slow_queries
from pytest_celery_perf.measure.scopes import SCOPE_METRICS
from pytest_celery_perf.model.figures import Figures
from pytest_celery_perf.model.metric import Direction, Metric, Scope, Unit
from pytest_celery_perf.model.record import Execution
from pytest_celery_perf.model.uses import hit_ratio
from pytest_celery_perf.probe.pools import OWN_PROCESS, OWN_THREAD

OfExecution = Callable[[Execution], float | None]
"""Finds a figure of an execution; None if it was not measured."""


Use = TypeVar("Use")


def _metric(name: str, unit: Unit, direction: Direction, scope: Scope, meaning: str) -> Metric:
    return Metric(name=name, unit=unit, direction=direction, scope=scope, meaning=meaning)


_LOWER, _HIGHER, _NEITHER = Direction.LOWER, Direction.HIGHER, Direction.NEITHER

METRICS: Mapping[str, Metric] = MappingProxyType(
    {
        metric.name: metric
        for metric in (
            _metric("runtime", Unit.SECONDS, _LOWER, Scope.EXECUTION, "of the task's own function"),
            _metric("cpu", Unit.SECONDS, _LOWER, Scope.EXECUTION, "CPU time of the task's own function"),
            _metric("cpu_share", Unit.SHARE, _NEITHER, Scope.EXECUTION, "CPU time over runtime, but waits for a core"),
            _metric("queries", Unit.COUNT, _LOWER, Scope.EXECUTION, "statements sent by the task's own function"),
            _metric("memory_peak", Unit.BYTES, _LOWER, Scope.EXECUTION, "resident memory of its process, at most"),
            _metric("memory_added", Unit.BYTES, _LOWER, Scope.EXECUTION, "of that, more than before the execution"),
            _metric("memory_kept", Unit.BYTES, _LOWER, Scope.EXECUTION, "held more after the execution than before"),
            _metric("gc_pause", Unit.SECONDS, _LOWER, Scope.EXECUTION, "paused by the garbage collector"),
            _metric("gc_collections", Unit.COUNT, _NEITHER, Scope.EXECUTION, "runs of the garbage collector"),
            _metric("message_size", Unit.BYTES, _LOWER, Scope.EXECUTION, "body of the message, as serialised"),
            _metric("result_size", Unit.BYTES, _LOWER, Scope.EXECUTION, "stored result, as serialised"),
            _metric("children", Unit.COUNT, _NEITHER, Scope.EXECUTION, "tasks that it published"),
            _metric("connects", Unit.COUNT, _LOWER, Scope.EXECUTION, "connections opened to databases"),
            _metric(
                "slow_queries", Unit.COUNT, _LOWER, Scope.EXECUTION, "statements of the body that took 100 ms or more"
            ),
            _metric("cache_hits", Unit.COUNT, _NEITHER, Scope.EXECUTION, "keys asked for and found in Django's caches"),
            _metric("cache_misses", Unit.COUNT, _LOWER, Scope.EXECUTION, "keys asked for in vain"),
            _metric("cache_hit_ratio", Unit.SHARE, _HIGHER, Scope.EXECUTION, "of the keys asked for"),
            _metric("cache_sets", Unit.COUNT, _NEITHER, Scope.EXECUTION, "keys written to Django's caches"),
            _metric("cache_deletes", Unit.COUNT, _NEITHER, Scope.EXECUTION, "keys deleted from Django's caches"),
            _metric(
                "keys_without_ttl", Unit.COUNT, _LOWER, Scope.EXECUTION, "keys written to Django's caches for good"
            ),
            _metric("log_records", Unit.COUNT, _LOWER, Scope.EXECUTION, "that its loggers let through"),
            _metric("outbound_calls", Unit.COUNT, _LOWER, Scope.EXECUTION, "of others: HTTP requests, or connections"),
            _metric("connections", Unit.COUNT, _LOWER, Scope.EXECUTION, "to others than the broker, databases, caches"),
            _metric("http_requests", Unit.COUNT, _LOWER, Scope.EXECUTION, "sent by a client that is known"),
            _metric("calls", Unit.COUNT, _LOWER, Scope.EXECUTION, "Python functions called by the task's own"),
            *SCOPE_METRICS,
        )
    }
)


def counter(name: str) -> Metric:
    """Return the metric that one of the user's own counters is."""
    return _metric(f"count {name}", Unit.COUNT, _NEITHER, Scope.EXECUTION, f'count("{name}") in the task')


def _seconds(ns: float | None) -> float | None:
    return None if ns is None else ns / 1e9


def _runtime_s(execution: Execution) -> float | None:
    if execution.body_started_ns is None or execution.body_ended_ns is None:
        return None
    return (execution.body_ended_ns - execution.body_started_ns) / 1e9


def _queries(execution: Execution) -> float | None:
    return body_queries(execution) if execution.queries_counted and execution.ended_ns is not None else None


def _connects(execution: Execution) -> float | None:
    return execution.connects if execution.queries_counted else None


def _slow_queries(execution: Execution) -> float | None:
    return slow_queries(execution) if execution.queries_counted else None


def _outbound_calls(execution: Execution) -> float | None:
    calls = calls_of(execution)
    return None if calls is None else calls.total


def _of(use: Callable[[Figures], Use | None], figure: Callable[[Use], float | None]) -> OfExecution:
    """Find a figure in what an instrument told."""

    def find(execution: Execution) -> float | None:
        told = use(execution.figures)
        return None if told is None else figure(told)

    return find


OF_EXECUTION: Mapping[str, OfExecution] = MappingProxyType(
    {
        "runtime": _runtime_s,
        "cpu": lambda execution: _seconds(cpu_ns(execution)),
        "cpu_share": lambda execution: cpu_share([execution]),
        "queries": _queries,
        "memory_peak": _of(lambda figures: figures.memory, lambda memory: memory.peak_bytes),
        "memory_added": _of(lambda figures: figures.memory, lambda memory: memory.added_bytes),
        "memory_kept": _of(lambda figures: figures.memory, lambda memory: memory.kept_bytes),
        "gc_pause": _of(lambda figures: figures.garbage, lambda garbage: garbage.paused_ns / 1e9),
        "gc_collections": _of(lambda figures: figures.garbage, lambda garbage: garbage.collections),
        "message_size": _of(lambda figures: figures.payload, lambda payload: payload.message_bytes),
        "result_size": _of(lambda figures: figures.payload, lambda payload: payload.result_bytes),
        "children": lambda execution: execution.children if execution.started else None,
        "connects": _connects,
        "slow_queries": _slow_queries,
        "cache_hits": _of(lambda figures: figures.cache, lambda cache: cache.hits),
        "cache_misses": _of(lambda figures: figures.cache, lambda cache: cache.misses),
        "cache_hit_ratio": _of(lambda figures: figures.cache, lambda cache: hit_ratio([cache])),
        "cache_sets": _of(lambda figures: figures.cache, lambda cache: cache.sets),
        "cache_deletes": _of(lambda figures: figures.cache, lambda cache: cache.deletes),
        "keys_without_ttl": _of(lambda figures: figures.cache, lambda cache: cache.lasting),
        "log_records": _of(lambda figures: figures.logs, lambda logs: logs.records),
        "outbound_calls": _outbound_calls,
        "connections": _of(lambda figures: figures.outbound, lambda outbound: outbound.made),
        "http_requests": _of(lambda figures: figures.requests, lambda requests: requests.sent),
        "calls": _of(lambda figures: figures.calls, lambda calls: calls.count),
    }
)
"""How to find each metric of an execution."""

_MEASURED_BY: Mapping[tuple[str, ...], tuple[str, ...]] = {
    ("cpu", "thread"): ("cpu", "cpu_share"),
    ("memory",): ("memory_peak", "memory_added", "memory_kept"),
    ("garbage",): ("gc_pause", "gc_collections"),
    ("payload",): ("message_size", "result_size"),
    ("cache",): ("cache_hits", "cache_misses", "cache_hit_ratio", "cache_sets", "cache_deletes", "keys_without_ttl"),
    ("logs",): ("log_records",),
    ("outbound", "requests"): ("outbound_calls",),
    ("outbound",): ("connections",),
    ("requests",): ("http_requests",),
    ("calls",): ("calls",),
}
INSTRUMENTS_OF: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {metric: instruments for instruments, metrics in _MEASURED_BY.items() for metric in metrics}
)
"""What executions must be measured with for the sake of a metric; what is not here is recorded of each."""

_OWN_PROCESS = tuple(metric for instrument in ("memory", "garbage") for metric in _MEASURED_BY[instrument,])
POOLS_OF: Mapping[str, frozenset[str]] = MappingProxyType(
    {**dict.fromkeys(_OWN_PROCESS, OWN_PROCESS), "calls": OWN_THREAD}
)
"""The pools on which a metric belongs to one execution alone; what is not here does on all."""
