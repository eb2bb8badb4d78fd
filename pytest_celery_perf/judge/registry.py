"""Which judge judges which budget."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from pytest_celery_perf.judge import (
    cache,
    calls,
    cpu,
    drills,
    failures,
    faults,
    growth,
    isolation,
    latency,
    logs,
    memory,
    outbound,
    queries,
    recovery,
    reliable,
    retries,
    routing,
    scaling,
    share,
    throughput,
)
from pytest_celery_perf.model.history import History
from pytest_celery_perf.model.orders import FailBudget, FaultBudget
from pytest_celery_perf.model.rates import IsolationBudget, ShareBudget, ThroughputBudget
from pytest_celery_perf.model.resources import CallsBudget, CpuBudget, GrowthBudget, MemoryBudget
from pytest_celery_perf.model.scaling import ScalingBudget
from pytest_celery_perf.model.spec import (
    Budget,
    DrillBudget,
    LatencyBudget,
    QueriesBudget,
    RecoveryBudget,
    ReliableBudget,
    RetriesBudget,
    RoutingBudget,
)
from pytest_celery_perf.model.uses import CacheBudget, LogsBudget, OutboundBudget
from pytest_celery_perf.model.verdict import Verdict

Judge = Callable[[Any, History, Path | None], tuple[Verdict, ...]]
"""Takes a budget, a history and the folder that paths are shown relative to."""

JUDGES: Mapping[type[Budget], Judge] = MappingProxyType(
    {
        QueriesBudget: queries.judge,
        LatencyBudget: latency.judge,
        ThroughputBudget: throughput.judge,
        ShareBudget: share.judge,
        IsolationBudget: isolation.judge,
        RetriesBudget: retries.judge,
        RecoveryBudget: recovery.judge,
        ReliableBudget: reliable.judge,
        DrillBudget: drills.judge,
        FaultBudget: faults.judge,
        FailBudget: faults.judge_failures,
        RoutingBudget: routing.judge,
        CacheBudget: cache.judge,
        LogsBudget: logs.judge,
        OutboundBudget: outbound.judge,
        MemoryBudget: memory.judge,
        GrowthBudget: growth.judge,
        CpuBudget: cpu.judge,
        CallsBudget: calls.judge,
        ScalingBudget: scaling.judge,
    }
)


def judge_all(budgets: Iterable[Budget], history: History, root: Path | None = None) -> tuple[Verdict, ...]:
    """Judge everything that the markers of a test demand.

    Args:
        budgets: One for each judging marker, in the order in which the verdicts shall come.
        history: What happened in the test.
        root: The folder that paths are shown relative to.

    Returns:
        For each budget a verdict for every task name that it is about.
    """
    every = tuple(budgets)
    failed = failures.failed_subjects(every, history, root)
    return tuple(
        failures.weigh(verdict, budget, failed)
        for budget in every
        for verdict in JUDGES[type(budget)](budget, history, root)
    )
