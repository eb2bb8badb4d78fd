"""Judges ``celery_throughput``: how fast tasks are worked off, and what holds them up."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from pytest_celery_perf.judge.bottleneck import Service
from pytest_celery_perf.judge.subjects import Subject, all_ended, fates, judge_each, never_started
from pytest_celery_perf.measure.rates import Pace
from pytest_celery_perf.model.history import History
from pytest_celery_perf.model.metric import format_rate
from pytest_celery_perf.model.rates import ThroughputBudget
from pytest_celery_perf.model.units import format_duration_s
from pytest_celery_perf.model.verdict import Check, Verdict

MARKER = "celery_throughput"


def judge(budget: ThroughputBudget, history: History, root: Path | None = None) -> tuple[Verdict, ...]:
    """Judge the rate, the time to drain and the concurrency, for each task name on its own.

    Args:
        budget: The limits.
        history: What happened.
        root: The folder that paths are shown relative to.
    """
    return judge_each(MARKER, budget, history, root, _judge_task)


def _judge_task(budget: ThroughputBudget, subject: Subject) -> Verdict:
    if not any(life.started for life in subject.lives):
        return never_started(subject)
    pace = Pace.of(subject.lives, subject.history)
    if pace is None:
        reason = "the clocks of the publisher and the workers cannot be compared: how fast they were is unknown"
        return subject.verdict(all_ended(subject), (reason,), inconclusive=True)
    ended = all_ended(subject)
    limits = list(_checks(budget, pace))
    service = Service.of(subject, pace)
    flawless = pace.succeeded == len(subject.lives)
    evidence = [_told(pace), *service.told(), *([] if flawless else [fates(subject)])]
    return subject.verdict([*ended, *limits], evidence, _advice(budget, pace, service, limits))


def _advice(budget: ThroughputBudget, pace: Pace, service: Service, limits: Sequence[Check]) -> Iterator[str]:
    """Say what would make them faster, or that they were fast enough but failed."""
    missed = sum(not check.ok for check in limits)
    wanted = budget.min_per_s
    if wanted is not None and (pace.succeeded_per_s or 0) < wanted <= (pace.throughput_per_s or 0):
        yield "they ended fast enough, and did not succeed: celery_retries and celery_reliable tell why"
        missed, wanted = missed - 1, None
    if missed:
        yield from service.advice(wanted, budget.concurrency)


def _checks(budget: ThroughputBudget, pace: Pace) -> Iterator[Check]:
    if budget.min_per_s is not None:
        rate = pace.succeeded_per_s
        yield Check(
            metric="throughput",
            budget=f"≥ {format_rate(budget.min_per_s)}",
            actual="unknown" if rate is None else format_rate(rate),
            ok=rate is not None and rate >= budget.min_per_s,
        )
    if budget.drain_s is not None:
        drain_s = pace.drain_s
        yield Check(
            metric="drained in",
            budget=f"≤ {format_duration_s(budget.drain_s)}",
            actual="unknown" if drain_s is None else format_duration_s(drain_s),
            ok=drain_s is not None and drain_s <= budget.drain_s,
        )
    if budget.concurrency is not None:
        reached = pace.active.max
        yield Check(
            metric="at a time", budget=f"≥ {budget.concurrency}", actual=f"{reached}", ok=reached >= budget.concurrency
        )


def _told(pace: Pace) -> str:
    """Say how they came, and how they went."""
    sent_s = (pace.sent_ns[-1] - pace.sent_ns[0]) / 1e9
    rate = (
        ""
        if pace.arrivals_per_s is None
        else f" within {format_duration_s(sent_s)} ({format_rate(pace.arrivals_per_s)})"
    )
    ended_s = (pace.ended_ns[-1] - pace.sent_ns[0]) / 1e9 if pace.ended_ns else 0.0
    went = f", {len(pace.ended_ns)} ended within {format_duration_s(ended_s)}" if pace.ended_ns else ""
    return f"{len(pace.sent_ns)} published{rate}{went}"
