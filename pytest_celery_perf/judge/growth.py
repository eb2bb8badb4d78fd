"""Judges ``celery_memory(growth=…)``: what the processes of a task hold more after each 1,000 executions."""

from __future__ import annotations

import math
from pathlib import Path

from pytest_celery_perf.judge.subjects import Subject, all_ended, fates, judge_each, never_started
from pytest_celery_perf.measure.growth import FEWEST, WARM_UP_BYTES, Growth, memory_growth
from pytest_celery_perf.model.history import History
from pytest_celery_perf.model.resources import GrowthBudget
from pytest_celery_perf.model.units import format_size
from pytest_celery_perf.model.verdict import Check, Verdict

MARKER = "celery_memory"

_METRIC = "memory growth per 1,000 executions"
_ENOUGH = 200
"""Executions that leave little doubt of a leak that matters."""
_MARGIN = 1.5
"""By how much more than needed: of more executions, more are left out as the warm-up."""
_WARM = 3_000
"""After so many executions a process that does nothing else has long stopped to grow."""
_MOST = 10_000
"""More executions than that nobody shall wait for by our advice."""


def judge(budget: GrowthBudget, history: History, root: Path | None = None) -> tuple[Verdict, ...]:
    """Judge whether the memory of processes grows, for each task name on its own.

    It fails if the whole interval of confidence is above the limit, and is inconclusive if the limit is within it, or
    if all that is above it may be the warm-up of the process.

    Args:
        budget: The limit, in bytes.
        history: What happened.
        root: The folder that paths are shown relative to.
    """
    return judge_each(MARKER, budget, history, root, _judge_task)


def _judge_task(budget: GrowthBudget, subject: Subject) -> Verdict:
    started = [execution for life in subject.lives for execution in life.started]
    if not started:
        return never_started(subject)
    ended = all_ended(subject)
    lost = [fates(subject)] if ended else []
    limit = f"≤ {format_size(budget.max_bytes)}"
    growth = memory_growth(subject.history, subject.name)
    if growth is None:
        shared = _shared(subject)
        if shared or not any(_watched(subject)):
            why = shared or "nobody has seen the memory of its processes"
            return subject.verdict(ended, [why, *lost], inconclusive=True)
        told = f"unknown of {len(started)} execution{'s' * (len(started) != 1)}"
        check = Check(metric=_METRIC, budget=limit, actual=told, ok=False)
        return subject.verdict([*ended, check], lost, [_more(2 * FEWEST)])
    over = growth.exceeds(budget.max_bytes)
    doubtful = not over and growth.high_bytes > budget.max_bytes
    check = Check(metric=_METRIC, budget=limit, actual=_told(growth), ok=not over, unknown=doubtful)
    fix = []
    if over:
        fix.append(
            f"look for what outlives an execution of {subject.function}, such as a list or dict of the module or "
            "class, or lru_cache; worker_max_tasks_per_child bounds what a process grows to"
        )
    evidence = [_fitted(growth)]
    if doubtful:
        evidence.insert(0, f"{_METRIC}: {_told(growth)}, about {limit}; {_doubt(growth, budget.max_bytes)}")
    return subject.verdict([*ended, check], [*evidence, *lost], fix)


def _fitted(growth: Growth) -> str:
    where = "1 process" if growth.processes == 1 else f"{growth.processes} processes"
    if growth.part == 1:
        left_out = "without the first tenth"
    else:
        part = "half" if growth.part == 2 else f"1/{growth.part}"
        left_out = f"the last {part} of them: before, memory grew faster"
    return f"a line through {growth.tasks} executions in {where}, {left_out}"


def _doubt(growth: Growth, limit_bytes: int) -> str:
    """Say why nobody knows, and how many executions would tell."""
    if growth.low_bytes <= limit_bytes:
        return _more(max(_ENOUGH, 4 * growth.tasks))
    beyond, run = growth.beyond_bytes(limit_bytes), growth.tasks * growth.part
    enough = min(_MOST, _rounded(_MARGIN * run * WARM_UP_BYTES / beyond))
    more = _more(max(enough, _WARM * growth.processes, _rounded(2 * run)))
    return (
        f"what is beyond the limit, {format_size(round(beyond))} in a process, may be what any worker gathers while it "
        f"warms up, up to {format_size(WARM_UP_BYTES)}; {more}"
    )


def _rounded(times: float) -> int:
    """Round up to a number with one digit that is not zero."""
    digit: int = 10 ** (len(str(round(times))) - 1)
    return math.ceil(times / digit) * digit


def _told(growth: Growth) -> str:
    low, high = format_size(growth.low_bytes), format_size(growth.high_bytes)
    return f"{format_size(growth.bytes)} ({low} to {high} with 95 % confidence)"


def _more(times: int) -> str:
    return f"run the task more often, such as celery_perf.run(task, times={times})"


def _shared(subject: Subject) -> str:
    """Say that processes ran other tasks too, if all did."""
    names: dict[tuple[str, int | None], set[str]] = {}
    for execution in subject.history.executions:
        if execution.ended_ns is not None:
            names.setdefault((execution.boot, execution.pid), set()).add(execution.name)
    own = [each for each in names.values() if subject.name in each]
    if not own or any(each == {subject.name} for each in own):
        return ""
    others = sorted(set().union(*own) - {subject.name})
    beside = ", ".join(others)
    return f"its processes ran {beside} too, so that nobody knows whose memory grows; give it a queue of its own"


def _watched(subject: Subject) -> list[bool]:
    boots = {each.boot for each in subject.history.samples}
    return [each.boot in boots or each.figures.memory is not None for life in subject.lives for each in life.started]
