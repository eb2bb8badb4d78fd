"""Judges ``celery_latency``: percentiles of a phase, and where the time went."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from pytest_celery_perf.judge.breakdown import Breakdown, Part
from pytest_celery_perf.judge.disturbance import disturbance
from pytest_celery_perf.judge.percentiles import check_all, spread
from pytest_celery_perf.judge.subjects import Subject, all_ended, fates, judge_each, never_started
from pytest_celery_perf.measure.distribution import Distribution
from pytest_celery_perf.measure.lives import Life
from pytest_celery_perf.measure.phases import Clocks, end_to_end_ns, phases_of
from pytest_celery_perf.model.history import History
from pytest_celery_perf.model.spec import LatencyBudget
from pytest_celery_perf.model.units import format_duration_ns
from pytest_celery_perf.model.verdict import Verdict

MARKER = "celery_latency"

_SPOKEN = {"runtime": "runtime", "queue": "time in queue", "prefetch": "prefetch time", "end_to_end": "end-to-end time"}
_SLOWEST_SHOWN = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class _Sample:
    """One duration of the judged phase, with what explains it."""

    duration_ns: int
    life: Life
    parts: tuple[Part, ...]
    """The executions in it: one, or for end to end all of the task."""


def judge(budget: LatencyBudget, history: History, root: Path | None = None) -> tuple[Verdict, ...]:
    """Judge the percentiles of one phase, for each task name on its own.

    Args:
        budget: The limits, in seconds.
        history: What happened.
        root: The folder that paths are shown relative to.
    """
    return judge_each(MARKER, budget, history, root, _judge_task)


def _judge_task(budget: LatencyBudget, subject: Subject) -> Verdict:
    if not any(life.started for life in subject.lives):
        return never_started(subject)
    samples = sorted(_samples(budget.phase, subject), key=lambda sample: sample.duration_ns, reverse=True)
    ended = all_ended(subject)
    if ended and not samples:
        return subject.verdict(ended, (fates(subject),))
    foreign = _foreign_clocks(budget.phase, subject)
    if foreign and not samples:
        instead = "judge phase='runtime', which one clock measures, or run the worker on the test's machine"
        return subject.verdict((), foreign, (instead,), inconclusive=True)
    distribution = Distribution.from_samples((sample.duration_ns for sample in samples), _SPOKEN[budget.phase])
    judged = check_all(budget, distribution)
    evidence = [*_overview(distribution, samples), *foreign, *([fates(subject)] if ended else [])]
    evidence += [_told(sample, subject) for sample in samples[:_SLOWEST_SHOWN]]
    fix = [lack for _, lack in judged if lack]
    if any(not check.ok and not lack for check, lack in judged):
        slowest = samples[0]
        advice = Breakdown.total(slowest.parts).advice(budget.phase, slowest.duration_ns)
        fix.append(disturbance(slowest.life, subject) or advice)
    return subject.verdict([*ended, *(check for check, _ in judged)], evidence, fix)


def _samples(phase: str, subject: Subject) -> Iterator[_Sample]:
    clocks = Clocks(subject.history)
    for life in subject.lives:
        parts = tuple((each, phases_of(each, life.publication_of(each), clocks)) for each in life.started)
        if phase == "end_to_end":
            durations = [(end_to_end_ns(life, clocks), parts)]
        else:
            durations = [(getattr(phases, f"{phase}_ns"), ((each, phases),)) for each, phases in parts]
        for duration_ns, explained_by in durations:
            if duration_ns is not None:
                yield _Sample(duration_ns=duration_ns, life=life, parts=explained_by)


def _foreign_clocks(phase: str, subject: Subject) -> list[str]:
    """Say which workers' times cannot be subtracted from the test's."""
    boots = {each.boot for life in subject.lives for each in life.executions}
    foreign = [each.name for each in subject.history.workers if each.boot in boots and not each.comparable_clock]
    if not foreign or phase == "runtime":
        return []
    return [f"the clock of {', '.join(foreign)} cannot be compared with the test's: its {_SPOKEN[phase]} is unknown"]


def _overview(distribution: Distribution, samples: list[_Sample]) -> Iterator[str]:
    """Tell the figures, and which phase the time of the average execution went to."""
    if not samples:
        return
    yield spread(distribution)
    if len(samples) > 1:
        yield f"on average: {Breakdown.average([part for sample in samples for part in sample.parts]).text()}"


def _told(sample: _Sample, subject: Subject) -> str:
    """Describe one of the slowest."""
    last = sample.parts[-1][0]
    which = f"{len(sample.parts)} executions" if len(sample.parts) > 1 else f"attempt {last.retries + 1}"
    where = f"{subject.clock(last.started_ns)} in process {last.pid} of {last.worker}"
    cold = ", first of its process" if last.first_in_process else ""
    duration, made_of = format_duration_ns(sample.duration_ns), Breakdown.total(sample.parts).text()
    return f"slow: {duration}, {sample.life.label} {which}, {where}{cold}: {made_of}"
