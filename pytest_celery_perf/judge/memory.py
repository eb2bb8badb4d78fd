"""Judges ``celery_memory``: what the process of each execution held at its peak."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from pytest_celery_perf.judge.measured import Quantity, Sample, samples
from pytest_celery_perf.judge.subjects import Subject, all_ended, fates, judge_each, never_started
from pytest_celery_perf.model.figures import MemoryUse
from pytest_celery_perf.model.history import History
from pytest_celery_perf.model.record import Execution
from pytest_celery_perf.model.resources import MemoryBudget
from pytest_celery_perf.model.units import format_size
from pytest_celery_perf.model.verdict import Check, Verdict
from pytest_celery_perf.probe.pools import OWN_PROCESS

MARKER = "celery_memory"

_QUANTITY = Quantity(
    name="memory",
    pools=OWN_PROCESS,
    shared="a process",
    untold="its kernel does not keep a peak that can be reset (/proc/self/clear_refs of Linux)",
)
_WORST_SHOWN = 3

MemorySample = Sample[MemoryUse]


def judge(budget: MemoryBudget, history: History, root: Path | None = None) -> tuple[Verdict, ...]:
    """Judge the memory of each execution, for each task name on its own.

    Args:
        budget: The limits, in bytes.
        history: What happened.
        root: The folder that paths are shown relative to.
    """
    return judge_each(MARKER, budget, history, root, _judge_task)


def _judge_task(budget: MemoryBudget, subject: Subject) -> Verdict:
    if not any(life.started for life in subject.lives):
        return never_started(subject)
    found = samples(subject, _QUANTITY, _use, budget.warmup)
    ended = all_ended(subject)
    if not found.known and not ended:
        return found.nothing_known(subject)
    limits = ((budget.peak_bytes, _peak, "peak memory"), (budget.added_bytes, _added, "memory added"))
    judged = [
        _at_most(metric, limit, figure, found.known)
        for limit, figure, metric in limits
        if limit is not None and found.known
    ]
    worst = [sample for check, sample in judged if not check.ok]
    evidence = [*found.blind, *_overview(found.known), *([fates(subject)] if ended else []), *found.left_out]
    if worst:
        by = _peak if budget.added_bytes is None else _added
        evidence += [_told(each, subject) for each in sorted(found.known, key=by, reverse=True)[:_WORST_SHOWN]]
    return subject.verdict(
        [*ended, *(check for check, _ in judged)],
        evidence,
        [line for sample in worst for line in _advice(sample, budget, subject)],
        inconclusive=bool(found.blind),
    )


def _use(execution: Execution) -> MemoryUse | None:
    use = execution.figures.memory
    return None if use is None or use.peak_bytes is None else use


def _peak(sample: MemorySample) -> int:
    return sample.figure.peak_bytes or 0


def _added(sample: MemorySample) -> int:
    return sample.figure.added_bytes or 0


def _at_most(
    metric: str, limit: int, figure: Callable[[MemorySample], int], known: Sequence[MemorySample]
) -> tuple[Check, MemorySample]:
    """Compare the largest figure with its limit, and say which execution's it is."""
    worst = max(known, key=figure)
    actual = figure(worst)
    return Check(metric=metric, budget=f"≤ {_size(limit)}", actual=_size(actual, limit), ok=actual <= limit), worst


def _size(size: int, beside: int | None = None) -> str:
    """Print a size; exactly where it would look like the limit beside which it stands."""
    told = format_size(size)
    return f"{size:,} bytes" if beside is not None and size != beside and told == format_size(beside) else told


def _overview(known: Sequence[MemorySample]) -> Iterator[str]:
    if len(known) > 1:
        peaks, added = [_peak(each) for each in known], [_added(each) for each in known]
        yield (
            f"judged {len(known)} executions: peak {format_size(min(peaks))} to {format_size(max(peaks))}, of it added "
            f"{format_size(min(added))} to {format_size(max(added))}"
        )


def _told(sample: MemorySample, subject: Subject) -> str:
    use = sample.figure
    before, added, after = map(format_size, (use.before_bytes, _added(sample), use.after_bytes))
    return f"{sample.told(subject)}: {before} before, {added} more at its peak, {after} after"


def _advice(sample: MemorySample, budget: MemoryBudget, subject: Subject) -> Iterator[str]:
    """Say where to begin: with what was there before, with what is held at once, or with what is never given back."""
    use, added = sample.figure, _added(sample)
    if budget.peak_bytes is not None and use.before_bytes > budget.peak_bytes / 2 and added < use.before_bytes:
        yield (
            f"of the peak, {format_size(use.before_bytes)} were there before the task began: what the app imports, and "
            "what earlier tasks left; worker_max_memory_per_child replaces a child that holds too much, after its task"
        )
    if use.kept_bytes > added / 2:
        yield (
            f"{subject.function} leaves {format_size(use.kept_bytes)} behind: look for what outlives it, such as a "
            "list or dict of the module or class, or lru_cache"
        )
    elif added:
        yield (
            f"{subject.function} holds {format_size(added)} at once: work in portions, with queryset.iterator("
            "chunk_size=…), a generator in place of a list, a file read in blocks"
        )
    if sample.execution.first_in_process and not budget.warmup:
        yield "the first execution in a process also pays for what it imports and caches: warmup=1 leaves it out"
