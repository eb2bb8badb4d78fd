"""Judges ``celery_share``: how many of the tasks succeeded soon enough."""

from __future__ import annotations

from pathlib import Path

from pytest_celery_perf.judge.breakdown import Breakdown, Part
from pytest_celery_perf.judge.disturbance import disturbance
from pytest_celery_perf.judge.subjects import SHOWN, Subject, fates, judge_each
from pytest_celery_perf.measure.lives import FAILING, Fate, Life
from pytest_celery_perf.measure.phases import Clocks, end_to_end_ns, phases_of
from pytest_celery_perf.measure.rates import share_within
from pytest_celery_perf.model.history import History
from pytest_celery_perf.model.metric import format_share
from pytest_celery_perf.model.rates import ShareBudget
from pytest_celery_perf.model.units import NS_PER_S, format_duration_ns, format_duration_s
from pytest_celery_perf.model.verdict import Check, Verdict

MARKER = "celery_share"


def judge(budget: ShareBudget, history: History, root: Path | None = None) -> tuple[Verdict, ...]:
    """Judge the share of tasks that succeeded in time, for each task name on its own.

    Args:
        budget: The share, and the time.
        history: What happened.
        root: The folder that paths are shown relative to.
    """
    return judge_each(MARKER, budget, history, root, _judge_task)


def _judge_task(budget: ShareBudget, subject: Subject) -> Verdict:
    clocks = Clocks(subject.history)
    share = share_within(subject.lives, budget.within_s, clocks)
    if share is None:
        reason = "the clocks of the publisher and the workers cannot be compared: how long they took is unknown"
        return subject.verdict((), (reason,), inconclusive=True)
    tasks = len(subject.lives)
    check = Check(
        metric=f"succeeded within {format_duration_s(budget.within_s)}",
        budget=f"≥ {format_share(budget.min_share)}",
        actual=f"{format_share(share)} ({round(share * tasks)} of {tasks})",
        ok=share >= budget.min_share,
    )
    late = _late(subject, budget.within_s, clocks)
    evidence = [fates(subject), *(_told(life, took_ns, clocks) for took_ns, life in late[:SHOWN])]
    if not check.ok:
        evidence += subject.history.diagnosis.splitlines()
    return subject.verdict((check,), evidence, _advice(subject, budget.within_s, late, clocks))


def _late(subject: Subject, within_s: float, clocks: Clocks) -> list[tuple[int, Life]]:
    """Return the tasks that succeeded too late, the slowest first, with the time that they took."""
    took = [(end_to_end_ns(life, clocks), life) for life in subject.lives if life.fate is Fate.SUCCEEDED]
    late = [(ns, life) for ns, life in took if ns is not None and ns > within_s * NS_PER_S]
    return sorted(late, key=lambda each: each[0], reverse=True)


def _parts(life: Life, clocks: Clocks) -> tuple[Part, ...]:
    return tuple((each, phases_of(each, life.publication_of(each), clocks)) for each in life.started)


def _told(life: Life, took_ns: int, clocks: Clocks) -> str:
    return f"late: {life.label} took {format_duration_ns(took_ns)}: {Breakdown.total(_parts(life, clocks)).text()}"


def _advice(subject: Subject, within_s: float, late: list[tuple[int, Life]], clocks: Clocks) -> list[str]:
    """Begin with what there is most of: the late, the failed, or those without an end."""
    without = {
        "they failed: celery_retries and celery_reliable tell why": FAILING,
        "they came to no end: celery_reliable tells where they are": (Fate.LOST, Fate.UNFINISHED),
    }
    reasons = [(sum(life.fate in some for life in subject.lives), advice) for advice, some in without.items()]
    took = [(took_ns, life, Breakdown.total(_parts(life, clocks))) for took_ns, life in late]
    # Of a task that takes too long by itself, no number of workers makes one that is soon enough.
    alone = [each for _, _, each in took if (each.runtime_ns or 0) > within_s * NS_PER_S]
    if alone:
        runtime = f"its runtime alone, {format_duration_ns(alone[0].runtime_ns or 0)}, is more than that"
        reasons.append((len(alone), f"{runtime}: {alone[0].advice_on_runtime()}"))
    if held_up := [each for each in took if each[2] not in alone]:
        took_ns, slowest, parts = held_up[0]
        advice = disturbance(slowest, subject) or parts.advice("end_to_end", took_ns)
        reasons.append((len(held_up), advice))
    return [advice for number, advice in sorted(reasons, key=lambda each: each[0], reverse=True) if number]
