"""Judges ``celery_cpu(calls=…)``: how many Python functions each execution called."""

from __future__ import annotations

from pathlib import Path

from pytest_celery_perf.judge.measured import Quantity, samples
from pytest_celery_perf.judge.subjects import Subject, all_ended, fates, judge_each, never_started, shortened
from pytest_celery_perf.model.figures import FunctionCalls
from pytest_celery_perf.model.history import History
from pytest_celery_perf.model.resources import CallsBudget
from pytest_celery_perf.model.verdict import Check, Verdict
from pytest_celery_perf.probe.pools import OWN_THREAD

MARKER = "celery_cpu"

_QUANTITY = Quantity(
    name="the number of calls",
    pools=OWN_THREAD,
    shared="a thread",
    untold="something else profiles the task, or it profiles itself (sys.setprofile)",
)


def judge(budget: CallsBudget, history: History, root: Path | None = None) -> tuple[Verdict, ...]:
    """Judge the calls of each execution, for each task name on its own.

    Args:
        budget: The limit.
        history: What happened.
        root: The folder that paths are shown relative to.
    """
    return judge_each(MARKER, budget, history, root, _judge_task)


def _told(called: FunctionCalls, subject: Subject) -> str:
    return f"  {called.count:,}× {called.function.function} ({subject.place(called.function)})"


def _judge_task(budget: CallsBudget, subject: Subject) -> Verdict:
    if not any(life.started for life in subject.lives):
        return never_started(subject)
    found = samples(subject, _QUANTITY, lambda execution: execution.figures.calls, budget.warmup)
    ended = all_ended(subject)
    if not found.known:
        return subject.verdict(ended, (fates(subject),)) if ended else found.nothing_known(subject)
    worst = max(found.known, key=lambda sample: sample.figure.count)
    most, least = worst.figure.count, min(sample.figure.count for sample in found.known)
    check = Check(metric="Python calls", budget=f"≤ {budget.max:,}", actual=f"{most:,}", ok=most <= budget.max)
    evidence = [*found.blind]
    evidence += [f"judged {len(found.known)} executions: {least:,} to {most:,} calls"] if len(found.known) > 1 else []
    evidence += [*([fates(subject)] if ended else []), *found.left_out]
    fix = []
    if not check.ok:
        evidence.append(f"most: {worst.told(subject)}")
        evidence += shortened(worst.figure.most, lambda called: _told(called, subject))
        fix.append(f"look for the loops of {subject.function} in which these are called, or profile it")
        if worst.execution.first_in_process and not budget.warmup:
            fix.append("the first execution in a process also calls what it imports: warmup=1 leaves it out")
    return subject.verdict([*ended, check], evidence, fix, inconclusive=bool(found.blind))
