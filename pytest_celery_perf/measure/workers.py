"""How busy each worker was, exactly, from the records of its executions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from pytest_celery_perf.measure.lives import Deaths, Life, lives
from pytest_celery_perf.measure.phases import Clocks, phases_of
from pytest_celery_perf.measure.steps import Span, Steps
from pytest_celery_perf.measure.usage import Usage, usage_of
from pytest_celery_perf.model.history import History
from pytest_celery_perf.model.record import Execution, WorkerInfo


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerFigures:
    """One start of one worker, while the tasks of one test were under way."""

    info: WorkerInfo
    window: tuple[int, int] | None
    """From when to when it could have worked on them, in nanoseconds on its own clock: from the first publication, or
    its own readiness if that was later, to the last end of any task, or its death. None if there was no such time."""
    active: Steps
    """How many tasks it ran over time."""
    prefetched: Steps
    """How many it held in memory over time that could have run, and did not yet."""
    executions: int
    """How often it began to run one."""
    restarts: int | None
    """How many of the children that ran one had meanwhile taken the place of others (or were added by autoscale); None
    of pools without children."""
    usage: Usage | None
    """Its memory and CPU time; None if nobody asked for ``workers``."""

    @property
    def name(self) -> str:
        """The node name."""
        return self.info.name

    @property
    def concurrency_reached(self) -> int:
        """The most tasks that it ran at a time."""
        return self.active.max

    @property
    def utilisation(self) -> float | None:
        """The share of its slots that were busy, on average over the window."""
        capacity = self.info.concurrency
        busy = None if self.window is None else self.active.mean(*self.window)
        return None if busy is None or not capacity else busy / capacity


def workers_of(history: History) -> tuple[WorkerFigures, ...]:
    """Measure each worker that a test had, in the order in which they became ready.

    Args:
        history: Of a test, or a part of one.
    """
    clocks, deaths = Clocks(history), Deaths.of(history)
    runs: dict[str, list[tuple[Life, Execution]]] = {}
    for life in lives(history):
        for execution in life.executions:
            runs.setdefault(execution.boot, []).append((life, execution))
    infos = sorted(history.workers, key=lambda info: info.ready_ns)
    return tuple(_figures(info, runs.get(info.boot, []), history, clocks, deaths) for info in infos)


def by_name(figures: tuple[WorkerFigures, ...]) -> Mapping[str, WorkerFigures]:
    """Find workers by the part of their names before the ``@``; of those of one name the one that was ready last."""
    return MappingProxyType({each.name.partition("@")[0]: each for each in figures})


def ended_ns(execution: Execution, deaths: Deaths) -> int | None:
    """Return when an execution left its slot, by its end or the death of its process; None if it has not.

    Args:
        execution: The execution.
        deaths: Of its history.
    """
    return execution.ended_ns if execution.ended_ns is not None else deaths.died_ns(execution)


def _figures(
    info: WorkerInfo, runs: list[tuple[Life, Execution]], history: History, clocks: Clocks, deaths: Deaths
) -> WorkerFigures:
    began = [execution for _, execution in runs if execution.started]
    return WorkerFigures(
        info=info,
        window=_window(info, history, clocks, deaths),
        active=Steps.of((each.started_ns or 0, ended_ns(each, deaths)) for each in began),
        prefetched=Steps.of(_held(runs, clocks, deaths)),
        executions=len(began),
        usage=usage_of(next((each for each in history.samples if each.boot == info.boot), None), began),
        restarts=_restarts(info, began, history) if info.pool == "prefork" else None,
    )


def _window(info: WorkerInfo, history: History, clocks: Clocks, deaths: Deaths) -> tuple[int, int] | None:
    own = {info.boot}
    begins = [each.published_ns for each in history.publications if clocks.agree(each.boot, info.boot)]
    begins = begins or [each.received_ns for each in history.executions if each.boot in own and each.received_ns]
    ends = [each.ended_ns for each in history.executions if each.ended_ns and clocks.agree(each.boot, info.boot)]
    if not begins or not ends:
        return None
    from_ns = max(min(begins), info.ready_ns)
    until_ns = min([max(ends), *deaths.of_worker(info.boot)])
    return (from_ns, until_ns) if from_ns < until_ns else None


def _held(runs: list[tuple[Life, Execution]], clocks: Clocks, deaths: Deaths) -> Iterator[Span]:
    for life, execution in runs:
        if execution.received_ns is None:
            continue
        if execution.started_ns is None:
            yield execution.received_ns, execution.requeued_ns or deaths.died_ns(execution)
        elif (held_ns := phases_of(execution, life.publication_of(execution), clocks).prefetch_ns) is not None:
            yield execution.started_ns - held_ns, execution.started_ns


def _restarts(info: WorkerInfo, began: list[Execution], history: History) -> int | None:
    if not info.children or not began:
        return 0 if info.children else None
    since_ns = (
        max(info.ready_ns, min(each.published_ns for each in history.publications)) if history.publications else 0
    )
    ran = {execution.pid for execution in began}
    return sum(pid in ran and began_ns > since_ns for pid, began_ns in info.children)
