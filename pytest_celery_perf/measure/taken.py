"""What one run of a test took: the figures by which two versions of the code are compared.

How an execution ends decides what it takes: one that raises at once takes next to nothing. So the figures of those that
end alike are kept apart, and one end is only ever compared with the same (`paired_quantiles`).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from statistics import fmean

from pytest_celery_perf.measure.evidence import epoch_quantile
from pytest_celery_perf.measure.lives import FAILING, Fate, Life, lives
from pytest_celery_perf.measure.phases import Clocks, end_to_end_ns, phases_of
from pytest_celery_perf.measure.registry import OF_EXECUTION
from pytest_celery_perf.model.gate import GateMetric, TaskSample
from pytest_celery_perf.model.history import History
from pytest_celery_perf.model.record import Execution, Outcome
from pytest_celery_perf.model.units import NS_PER_S

DRAINED = 10
"""From how many tasks on the time until all are done tells more than that of each."""
_AND = " and "
FAILURES = frozenset({*FAILING, Fate.LOST})
"""The fates of tasks that did not do their work."""
UNSUCCESSFUL = FAILURES | {Fate.IGNORED}
"""All that a task may end by but success: one that raises `Ignore` may have its reasons, and has not done its work."""


def samples_of(history: History) -> tuple[TaskSample, ...]:
    """Return what a run found of each task.

    Each execution that has ended counts, whatever came of it: an attempt that is retried costs what it costs. The first
    of a task in its process, where caches are cold, counts only where there are no others that ended alike: chance
    decides how many processes a run meets for the first time.

    Args:
        history: Of the run.

    Returns:
        For each task one sample of each of its ends.
    """
    clocks = Clocks(history)
    by_name: dict[str, list[Life]] = {}
    for life in lives(history):
        by_name.setdefault(life.name, []).append(life)
    return tuple(each for name, group in sorted(by_name.items()) for each in _samples(name, group, clocks))


def _samples(name: str, group: Sequence[Life], clocks: Clocks) -> Iterator[TaskSample]:
    ended = [(life, each) for life in group for each in life.started if each.ended_ns is not None]
    fates = sorted({life.fate for life in group})
    together = _AND.join(fates)  # what all tasks take together depends on how each of them ended
    for end in sorted({*fates, *(each.outcome or "" for _, each in ended), together}):
        yield _sample(
            name,
            end,
            [life for life in group if life.fate == end],
            [(life, each) for life, each in ended if each.outcome == end],
            drain_s=_drain_s(group, clocks) if end == together else None,
            clocks=clocks,
        )


def _sample(
    name: str,
    end: str,
    group: Sequence[Life],
    ended: Sequence[tuple[Life, Execution]],
    *,
    drain_s: float | None,
    clocks: Clocks,
) -> TaskSample:
    warm = [(life, each) for life, each in ended if not each.first_in_process]
    counted = warm or ended
    executions = [each for _, each in counted]
    found: dict[str, Iterable[float | None]] = {
        GateMetric.RUNTIME: _each("runtime", executions),
        GateMetric.CPU: _each("cpu", executions),
        GateMetric.MEMORY: _each("memory_peak", (each for _, each in ended)),
        GateMetric.DRAIN: [drain_s],
        GateMetric.QUEUE: (_s(phases_of(each, life.publication_of(each), clocks).queue_ns) for life, each in counted),
        GateMetric.END_TO_END: (_s(end_to_end_ns(life, clocks)) for life in group),
    }
    figures = {str(metric): tuple(each for each in values if each is not None) for metric, values in found.items()}
    return TaskSample(
        task=name,
        figures={metric: values for metric, values in figures.items() if values},
        end=end,
        tasks=len(group),
        executions=len(ended),
        cold=not warm,
        error=next((each.error for _, each in ended if each.error is not None), None),
    )


def _each(metric: str, executions: Iterable[Execution]) -> Iterable[float | None]:
    return map(OF_EXECUTION[metric], executions)


def _s(ns: int | None) -> float | None:
    return None if ns is None else ns / NS_PER_S


def _drain_s(group: Sequence[Life], clocks: Clocks) -> float | None:
    """Measure from the first publication to the end of the last task; None of few tasks, or if one has no end."""
    sent = [life.publications[0] for life in group if life.publications]
    ends = [life.concluding for life in group if life.concluding is not None]
    known = clocks.agree(*(each.boot for each in sent), *(each.boot for each in ends))
    if len(group) < DRAINED or not len(sent) == len(ends) == len(group) or not known:
        return None
    return (max(each.ended_ns or 0 for each in ends) - min(each.due_ns for each in sent)) / NS_PER_S


# -- what two arms took --------------------------------------------------------------------


def unsuccessful_share(samples: Sequence[TaskSample]) -> float:
    """Return which share of the tasks of one name came to an end that is no success.

    Args:
        samples: All that was found of that task.

    Returns:
        Not a number, if there was no task.
    """
    tasks = sum(each.tasks for each in samples)
    return sum(each.tasks for each in samples if each.end in UNSUCCESSFUL) / tasks if tasks else math.nan


def executions_per_task(samples: Sequence[TaskSample]) -> float:
    """Return how many executions each task of one name took, on average.

    Args:
        samples: All that was found of that task.

    Returns:
        Not a number, if there was no task.
    """
    tasks = sum(each.tasks for each in samples)
    return sum(each.executions for each in samples) / tasks if tasks else math.nan


def ends_of(samples: Iterable[TaskSample]) -> frozenset[str]:
    """Return how executions or tasks ended for good: a retry is no end."""
    return frozenset(each.end for each in samples if each.figures and each.end != Outcome.RETRIED)


def paired_quantiles(base: Sequence[TaskSample], head: Sequence[TaskSample], metric: str) -> tuple[float, float]:
    """Return what a task took in one epoch, in two arms, by executions that ended alike.

    Where they ended in several ways in both, it is the mean of the medians of each way, and both arms give it the same
    weight: it is how often both together ended so. What depends on both arms alike favours neither.

    Args:
        base: What was found of the task in the one arm.
        head: In the other.
        metric: A `GateMetric`.

    Returns:
        (base, head); not numbers if no end is of both arms.
    """
    of_base, of_head = _by_end(base, metric), _by_end(head, metric)
    common = sorted(of_base.keys() & of_head.keys())
    if set(common) <= {Outcome.RETRIED}:
        return math.nan, math.nan
    weights = [len(of_base[end]) + len(of_head[end]) for end in common]
    of_both = (fmean([epoch_quantile(each[end]) for end in common], weights) for each in (of_base, of_head))
    return next(of_both), next(of_both)


def _by_end(samples: Sequence[TaskSample], metric: str) -> Mapping[str, Sequence[float]]:
    """Return the figures of each end; those of cold caches only where there are no others."""
    found: dict[str, list[float]] = {}
    for end in {each.end for each in samples if metric in each.figures}:
        group = [each for each in samples if each.end == end and metric in each.figures]
        # Chance decides how many processes of its pool an epoch meets for the first time.
        counted = [each for each in group if not each.cold] or group
        found[end] = [figure for each in counted for figure in each.figures[metric]]
    return found
