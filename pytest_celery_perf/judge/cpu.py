"""Judges ``celery_cpu``: the CPU time of executions, and its share in their runtime."""

from __future__ import annotations

from pathlib import Path

from pytest_celery_perf.judge.measured import Quantity, Sample, samples
from pytest_celery_perf.judge.percentiles import check_all, spread
from pytest_celery_perf.judge.subjects import Subject, all_ended, fates, judge_each, never_started
from pytest_celery_perf.measure.cpu import CpuShare, cpu_ns, cpu_shares
from pytest_celery_perf.measure.distribution import Distribution
from pytest_celery_perf.model.history import History
from pytest_celery_perf.model.metric import format_share
from pytest_celery_perf.model.resources import CpuBudget
from pytest_celery_perf.model.units import format_duration_ns
from pytest_celery_perf.model.verdict import Check, Verdict
from pytest_celery_perf.probe.pools import ALL

MARKER = "celery_cpu"

_QUANTITY = Quantity(
    name="CPU time",
    pools=ALL,
    shared="a thread",
    untold="nobody has measured it",
)
_OWN, _THREADS, _COMMANDS = "own thread", "other threads", "commands"
_WORST_SHOWN = 3

CpuSample = Sample[int]


def judge(budget: CpuBudget, history: History, root: Path | None = None) -> tuple[Verdict, ...]:
    """Judge the CPU time of the executions of each task name on its own.

    Args:
        budget: The limits.
        history: What happened.
        root: The folder that paths are shown relative to.
    """
    return judge_each(MARKER, budget, history, root, _judge_task)


def _judge_task(budget: CpuBudget, subject: Subject) -> Verdict:
    if not any(life.started for life in subject.lives):
        return never_started(subject)
    found = samples(subject, _QUANTITY, cpu_ns)
    ended = all_ended(subject)
    if not found.known:
        known = (fates(subject), *found.left_out)
        return subject.verdict(ended, known) if ended else found.nothing_known(subject)
    distribution = Distribution.from_samples((sample.figure for sample in found.known), "CPU time")
    judged = check_all(budget, distribution)
    share = cpu_shares([sample.execution for sample in found.known], subject.history)
    shares = [_share(budget.share, share)] if budget.share is not None and share is not None else []
    checks = [*ended, *(check for check, _ in judged), *shares]
    slow = any(not check.ok and not lack for check, lack in judged)
    too_busy = not all(check.ok for check in shares)
    doubt = [_doubt(share) for check in shares if check.unknown and share is not None]
    evidence = [*doubt, *found.blind, spread(distribution)]
    evidence += [fates(subject)] if ended else []
    evidence += found.left_out
    worst = sorted(found.known, key=lambda each: each.figure, reverse=True)[:_WORST_SHOWN]
    if slow or too_busy:
        evidence += [_told(each, subject) for each in worst]
    fix = [lack for _, lack in judged if lack]
    fix += [_advice(worst[0], subject)] if slow else []
    fix += [_advice_on_share(subject)] if too_busy else []
    return subject.verdict(checks, evidence, fix, inconclusive=bool(found.blind))


def _share(limit: float, share: CpuShare) -> Check:
    """Compare the least that the share can be, which fails, and the most, which leaves it open."""
    doubtful = share.low <= limit < share.high
    return Check(
        metric="CPU share of the runtime",
        budget=f"≤ {format_share(limit)}",
        actual=f"{format_share(share.low)} to {format_share(share.high)}" if doubtful else format_share(share.low),
        ok=share.low <= limit,
        unknown=doubtful,
    )


def _doubt(share: CpuShare) -> str:
    waited = f"the tasks may have waited for {share.unseen.value if share.unseen else 'their turn'}, which nobody saw"
    return (
        f"CPU share of the runtime: between {format_share(share.low)} and {format_share(share.high)}, as {waited}; run "
        "them one at a time, where cores are free: on prefork or solo with concurrency=1"
    )


def _told(sample: CpuSample, subject: Subject) -> str:
    execution = sample.execution
    parts = {name: ns for name, ns in _parts(sample).items() if ns * 20 > sample.figure}
    made_of = ", ".join(f"{name} {format_duration_ns(ns)}" for name, ns in parts.items())
    detail = f" ({made_of})" if list(parts) != [_OWN] else ""
    runtime_ns = (execution.body_ended_ns or 0) - (execution.body_started_ns or 0)
    took = f"CPU {format_duration_ns(sample.figure)}{detail} in {format_duration_ns(runtime_ns)} of runtime"
    ready_ns = execution.figures.thread.ready_ns if execution.figures.thread else None
    if ready_ns is not None and ready_ns * 20 > runtime_ns:
        took += f", {format_duration_ns(ready_ns)} of it without a free core, which count for nothing"
    return f"{sample.told(subject)}: {took}"


def _parts(sample: CpuSample) -> dict[str, int]:
    """Tell what the CPU worked for."""
    own_ns, use = sample.execution.cpu_ns or 0, sample.execution.figures.cpu
    if use is None:
        return {_OWN: sample.figure}
    return {_OWN: own_ns, _THREADS: max(0, use.process_ns - own_ns), _COMMANDS: use.commands_ns}


def _advice_on_share(subject: Subject) -> str:
    return (
        f"{subject.function} computes rather than waits: on gevent or threads it would hold up all others; "
        "give it a queue whose worker is prefork, with a process for each core"
    )


def _advice(sample: CpuSample, subject: Subject) -> str:
    """Say where to begin: with whatever took most of the CPU time."""
    parts = _parts(sample)
    most = max(parts, key=lambda name: parts[name])
    if most == _COMMANDS:
        return f"most of the CPU time went to the commands that {subject.function} runs: do less in them, or run fewer"
    if most == _THREADS:
        return (
            f"most of the CPU time went to other threads, which {subject.function} starts or a library such as "
            "numpy (OMP_NUM_THREADS bounds those)"
        )
    return (
        f"profile the body of {subject.function}; @pytest.mark.celery_cpu(calls=…) bounds its work by a count that "
        "is the same on every machine"
    )
