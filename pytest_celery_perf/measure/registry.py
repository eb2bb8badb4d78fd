"""Every metric once. Who prints a figure, or compares two, asks here what it is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from pytest_celery_perf.measure.queries import body_queries
from pytest_celery_perf.model.metric import Direction, Metric, Scope, Unit
from pytest_celery_perf.model.record import Execution

OfExecution = Callable[[Execution], float | None]
"""Finds a figure of an execution; None if it was not measured."""


def _metric(name: str, unit: Unit, direction: Direction, scope: Scope, meaning: str) -> Metric:
    return Metric(name=name, unit=unit, direction=direction, scope=scope, meaning=meaning)


_LOWER, _NEITHER = Direction.LOWER, Direction.NEITHER

METRICS: Mapping[str, Metric] = MappingProxyType(
    {
        metric.name: metric
        for metric in (
            _metric("runtime", Unit.SECONDS, _LOWER, Scope.EXECUTION, "of the task's own function"),
            _metric("cpu", Unit.SECONDS, _LOWER, Scope.EXECUTION, "CPU time of the thread that ran it"),
            _metric("queries", Unit.COUNT, _LOWER, Scope.EXECUTION, "statements sent by the task's own function"),
            _metric("gc_pause", Unit.SECONDS, _LOWER, Scope.EXECUTION, "paused by the garbage collector"),
            _metric("gc_collections", Unit.COUNT, _NEITHER, Scope.EXECUTION, "runs of the garbage collector"),
        )
    }
)


def _seconds(ns: float | None) -> float | None:
    return None if ns is None else ns / 1e9


def _runtime_s(execution: Execution) -> float | None:
    if execution.body_started_ns is None or execution.body_ended_ns is None:
        return None
    return (execution.body_ended_ns - execution.body_started_ns) / 1e9


def _queries(execution: Execution) -> float | None:
    return body_queries(execution) if execution.queries_counted and execution.ended_ns is not None else None


def _gc_pause_s(execution: Execution) -> float | None:
    garbage = execution.figures.garbage
    return None if garbage is None else garbage.paused_ns / 1e9


def _gc_collections(execution: Execution) -> float | None:
    garbage = execution.figures.garbage
    return None if garbage is None else garbage.collections


OF_EXECUTION: Mapping[str, OfExecution] = MappingProxyType(
    {
        "runtime": _runtime_s,
        "cpu": lambda execution: _seconds(execution.cpu_ns),
        "queries": _queries,
        "gc_pause": _gc_pause_s,
        "gc_collections": _gc_collections,
    }
)
"""How to find each metric of an execution."""
