"""What a task does with its time, and how it does on a pool."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Sequence

from pytest_celery_perf.measure.cpu import cpu_ns, cpu_share
from pytest_celery_perf.measure.distribution import Distribution
from pytest_celery_perf.measure.lives import Fate, Life, lives
from pytest_celery_perf.measure.usage import usage_of
from pytest_celery_perf.model.figures import ThreadUse
from pytest_celery_perf.model.history import History
from pytest_celery_perf.model.pools import Kind, PoolPlan, PoolRun, TaskProfile
from pytest_celery_perf.model.record import Execution, Outcome
from pytest_celery_perf.model.units import NS_PER_S

WAITS_UP_TO = 0.2
"""A core can serve five such tasks or more at once."""
COMPUTES_FROM = 0.7
"""With two such tasks a core has too much to do already."""
ERRORS = 3


def kind_of(cpu_share: float) -> Kind:
    """Class a task by the share of its runtime in which it computes."""
    if cpu_share <= WAITS_UP_TO:
        return Kind.WAITS
    return Kind.COMPUTES if cpu_share >= COMPUTES_FROM else Kind.MIXED


def profile_of(task: str, executions: Sequence[Execution], source: str) -> TaskProfile | None:
    """Say what a task does with its time.

    Args:
        task: Its name.
        executions: Those from which to tell, of any task.
        source: Where they come from.

    Returns:
        The profile; None if the task did not succeed once.
    """
    own = [each for each in executions if each.name == task and each.outcome is Outcome.SUCCEEDED]
    own = _warm(own)
    runtimes = [runtime_ns for each in own if (runtime_ns := _runtime_ns(each)) is not None]
    if not runtimes:
        return None
    share = cpu_share(own)
    return TaskProfile(
        task=task,
        kind=None if share is None else kind_of(share),
        cpu_share=share,
        runtime_s=statistics.median(runtimes) / NS_PER_S,
        executions=len(runtimes),
        source=source,
    )


def run_of(
    plan: PoolPlan, history: History, closely: History, profile: TaskProfile, logged: tuple[str, ...] = ()
) -> PoolRun:
    """Return what a task did on a pool.

    Args:
        plan: The pool.
        history: Of its tasks there.
        closely: Of those that were measured with instruments, as the other pools need none.
        profile: What it does undisturbed.
        logged: The errors that the worker logged.
    """
    own = [life for life in lives(history) if life.name == profile.task and life.publications[0].boot is None]
    done = [life for life in own if life.fate is Fate.SUCCEEDED]
    executions = [each for life in done for each in life.started if each.outcome is Outcome.SUCCEEDED]
    runtime = Distribution.from_samples(map(_runtime_ns, executions), "runtime")
    measured = [each for each in closely.executions if each.name == profile.task and each.outcome is Outcome.SUCCEEDED]
    cpu = _cpu_ns(executions) or _cpu_ns(measured)
    threads = [each.figures.thread for each in measured if each.figures.thread is not None]
    stuck = [stuck_ns for use in threads if (stuck_ns := _stuck_ns(use)) is not None]
    places = Counter(use.where for use in threads if use.where is not None)
    unfinished = sum(life.fate is Fate.UNFINISHED for life in own)
    ended = len(own) - unfinished
    throughput = _throughput(done)
    usage = usage_of(next(iter(history.samples), None))
    return PoolRun(
        plan=plan,
        tasks=len(own),
        succeeded=len(done),
        unfinished=unfinished,
        throughput=throughput,
        parallel=None if throughput is None else throughput * profile.runtime_s,
        runtime_p50_s=runtime.percentile_or_none(50),
        runtime_p95_s=runtime.percentile_or_none(95),
        runtime_p99_s=runtime.percentile_or_none(99),
        cpu_s=statistics.median(cpu) / NS_PER_S if cpu else None,
        worker_cpu_s=None if usage is None or usage.cpu_s is None or not ended else usage.cpu_s / ended,
        cores=None if usage is None else usage.cores,
        memory_bytes=_memory_bytes(history),
        stuck_s=statistics.median(stuck) / NS_PER_S if stuck else None,
        stuck_at=places.most_common(1)[0][0] if places else None,
        unacknowledged=sum(life.concluding is not None and life.concluding.acknowledged_ns is None for life in done),
        errors=errors_of(own),
        logged=logged,
    )


def _warm(executions: list[Execution]) -> list[Execution]:
    """Leave out the first one in each process: it imports, connects and fills caches, which none after it does."""
    return [each for each in executions if not each.first_in_process] or executions


def _cpu_ns(executions: list[Execution]) -> list[int]:
    return [taken for each in _warm(executions) if (taken := cpu_ns(each)) is not None]


def _stuck_ns(use: ThreadUse) -> int | None:
    """Return for how long an execution kept a shared thread without computing or waiting for a core, altogether."""
    if use.stuck_ns is None or use.ready_ns is None:
        return None
    return max(use.stuck_ns, use.held_ns - use.running_ns - use.ready_ns)


def _memory_bytes(history: History) -> int | None:
    """Return the memory of the worker: pages that children share with the main process count once, as its own."""
    series = [each for samples in history.samples for each in samples.series if each.at_ns and each.gone_ns is None]
    own = [each.uss[-1][1] for each in series[1:] if each.uss]
    return max(series[0].rss_bytes) + sum(own) if series and len(own) == len(series) - 1 else None


def errors_of(every: Sequence[Life]) -> tuple[str, ...]:
    """Tell what tasks failed with, the most frequent first, with how often."""
    errors = [each.error for life in every if life.fate is not Fate.SUCCEEDED for each in life.executions if each.error]
    told = Counter(f"{error.type.removeprefix('builtins.')}: {error.message}".rstrip(": ") for error in errors)
    return tuple(f"{count} × {text}" for text, count in told.most_common(ERRORS))


def _throughput(done: Sequence[Life]) -> float | None:
    """Return how many tasks ended in a second, from the first start to the last end."""
    starts = [each.started_ns for life in done for each in life.started if each.started_ns is not None]
    ends = [life.concluding.ended_ns for life in done if life.concluding and life.concluding.ended_ns is not None]
    return len(ends) * NS_PER_S / (max(ends) - min(starts)) if starts and ends else None


def _runtime_ns(execution: Execution) -> int | None:
    if execution.body_started_ns is None or execution.body_ended_ns is None:
        return None
    return execution.body_ended_ns - execution.body_started_ns
