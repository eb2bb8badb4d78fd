"""What one run of a test took: the figures by which two versions of the code are compared."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from pytest_celery_perf.measure.lives import Life, lives
from pytest_celery_perf.measure.phases import Clocks, end_to_end_ns, phases_of
from pytest_celery_perf.measure.registry import OF_EXECUTION
from pytest_celery_perf.model.gate import GateMetric, TaskSample
from pytest_celery_perf.model.history import History
from pytest_celery_perf.model.record import Execution
from pytest_celery_perf.model.units import NS_PER_S

DRAINED = 10
"""From how many tasks on the time until all are done tells more than that of each."""


def samples_of(history: History) -> tuple[TaskSample, ...]:
    """Return what a run found of each task.

    Each execution that has ended counts, whatever came of it: an attempt that is retried costs what it costs. The first
    of a task in its process, where caches are cold, counts only where there are no others: chance decides how many
    processes a run meets for the first time.
    """
    clocks = Clocks(history)
    by_name: dict[str, list[Life]] = {}
    for life in lives(history):
        by_name.setdefault(life.name, []).append(life)
    return tuple(_sample(name, group, clocks) for name, group in sorted(by_name.items()))


def _sample(name: str, group: Sequence[Life], clocks: Clocks) -> TaskSample:
    ended = [(life, each) for life in group for each in life.started if each.ended_ns is not None]
    warm = [(life, each) for life, each in ended if not each.first_in_process]
    return TaskSample(task=name, figures=_figures(group, ended, warm or ended, clocks), cold=not warm)


def _figures(
    group: Sequence[Life],
    ended: Sequence[tuple[Life, Execution]],
    warm: Sequence[tuple[Life, Execution]],
    clocks: Clocks,
) -> dict[str, tuple[float, ...]]:
    executions = [each for _, each in warm]
    found: dict[str, Iterable[float | None]] = {
        GateMetric.RUNTIME: _each("runtime", executions),
        GateMetric.CPU: _each("cpu", executions),
        GateMetric.MEMORY: _each("memory_peak", (each for _, each in ended)),
        GateMetric.DRAIN: [_drain_s(group, clocks)],
        GateMetric.QUEUE: (_s(phases_of(each, life.publication_of(each), clocks).queue_ns) for life, each in warm),
        GateMetric.END_TO_END: (_s(end_to_end_ns(life, clocks)) for life in group),
    }
    figures = {str(metric): tuple(each for each in values if each is not None) for metric, values in found.items()}
    return {metric: values for metric, values in figures.items() if values}


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
