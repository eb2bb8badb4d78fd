"""What a task did on pools, as the tests of what is recommended make it up."""

from __future__ import annotations

from pytest_celery_perf.model.pools import Kind, PoolPlan, PoolRun, TaskProfile
from tests.unit.histories import NAME


def profile(share: float, kind: Kind, runtime_s: float = 0.1) -> TaskProfile:
    return TaskProfile(task=NAME, kind=kind, cpu_share=share, runtime_s=runtime_s, executions=5, source="solo")


WAITS, COMPUTES, MIXED = profile(0.02, Kind.WAITS), profile(0.99, Kind.COMPUTES), profile(0.5, Kind.MIXED)


def plan(label: str) -> PoolPlan:
    pool, _, concurrency = label.partition(":")
    return PoolPlan(pool=pool, concurrency=int(concurrency or 1))


def run(label: str, throughput: float = 10.0, **fields: object) -> PoolRun:
    whole = {"plan": plan(label), "tasks": 20, "succeeded": 20, "throughput": throughput, "parallel": throughput * 0.1}
    return PoolRun(**{**whole, **fields})  # type: ignore[arg-type]
