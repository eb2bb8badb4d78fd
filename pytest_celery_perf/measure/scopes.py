"""The metrics of what is larger than an execution: workers, queues, and the run as a whole."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, TypeVar

from pytest_celery_perf.measure.distribution import SAMPLES_NEEDED
from pytest_celery_perf.measure.queues import QueueFigures
from pytest_celery_perf.measure.usage import Usage
from pytest_celery_perf.measure.workers import WorkerFigures
from pytest_celery_perf.model.metric import Direction, Metric, Scope, Unit
from pytest_celery_perf.model.samples import BrokerUse
from pytest_celery_perf.model.summary import ScopeFigure

if TYPE_CHECKING:
    from pytest_celery_perf.measure.summary import Run

_LOWER, _HIGHER, _NEITHER = Direction.LOWER, Direction.HIGHER, Direction.NEITHER

Of = TypeVar("Of")
Find = Callable[[Of], float | None]
"""Finds a figure; None if it was not measured."""
Found = Mapping[str, tuple[Metric, Find[Of]]]
"""Name to the metric, and how to find it."""


def _named(scope: Scope, *given: tuple[str, Unit, Direction, str, Find[Of]]) -> Mapping[str, tuple[Metric, Find[Of]]]:
    return MappingProxyType(
        {
            name: (Metric(name=name, unit=unit, direction=direction, scope=scope, meaning=meaning), find)
            for name, unit, direction, meaning, find in given
        }
    )


def _used(find: Find[Usage]) -> Find[WorkerFigures]:
    return lambda worker: None if worker.usage is None else find(worker.usage)


def _broker(find: Find[BrokerUse]) -> Find[Run]:
    return lambda run: None if run.broker is None else find(run.broker)


def _p95(queue: QueueFigures) -> float | None:
    return queue.wait.p95 if queue.wait.count >= SAMPLES_NEEDED[95] else None


def _growth(run: Run) -> float | None:
    growth = run.memory_growth
    return growth.bytes if growth is not None and growth.certain else None


def _more_memory(use: BrokerUse) -> float:
    return use.memory_after_bytes - use.memory_before_bytes


def _message_bytes(use: BrokerUse) -> float | None:
    messages = sum(each.messages for each in use.sizes)
    return sum(each.bytes for each in use.sizes) / messages if messages else None


OF_WORKER: Found[WorkerFigures] = _named(
    Scope.WORKER,
    ("utilisation", Unit.SHARE, _NEITHER, "of its slots that were busy", lambda worker: worker.utilisation),
    ("concurrency", Unit.COUNT, _NEITHER, "tasks at a time, at most", lambda worker: worker.concurrency_reached),
    ("prefetched", Unit.COUNT, _LOWER, "tasks waiting in its memory, at most", lambda worker: worker.prefetched.max),
    ("restarts", Unit.COUNT, _LOWER, "children that took the place of others", lambda worker: worker.restarts),
    ("rss", Unit.BYTES, _LOWER, "resident memory of all processes, at most", _used(lambda use: use.rss_max_bytes)),
    ("rss_peak", Unit.BYTES, _LOWER, "of a process, by the kernel's mark", _used(lambda use: use.peak_bytes)),
    ("uss", Unit.BYTES, _LOWER, "memory of its own, in the end", _used(lambda use: use.uss_bytes)),
    ("worker_cpu", Unit.SECONDS, _LOWER, "CPU time of all its processes", _used(lambda use: use.cpu_s)),
    ("cores", Unit.COUNT, _NEITHER, "CPU time over time", _used(lambda use: use.cores)),
)  # fmt: skip
"""How to find each metric of a worker."""

OF_QUEUE: Found[QueueFigures] = _named(
    Scope.QUEUE,
    ("depth", Unit.COUNT, _LOWER, "messages in the broker, at most", lambda queue: queue.depth.max),
    ("left", Unit.COUNT, _LOWER, "messages in the broker, in the end", lambda queue: queue.depth.last),
    ("wait_p95", Unit.SECONDS, _LOWER, "time in queue", _p95),
    ("arrivals", Unit.RATE, _NEITHER, "messages that came", lambda queue: queue.arrivals_per_s),
    ("departures", Unit.RATE, _HIGHER, "messages that workers took", lambda queue: queue.departures_per_s),
)
"""How to find each metric of a queue."""

OF_RUN: Found[Run] = _named(
    Scope.RUN,
    ("throughput", Unit.RATE, _HIGHER, "tasks that ended, from the first publication on", lambda run: run.throughput),
    ("drain", Unit.SECONDS, _LOWER, "from the last publication to the last end", lambda run: run.drain_s),
    ("tasks_at_a_time", Unit.COUNT, _NEITHER, "by all workers together, at most", lambda run: run.concurrency),
    ("failure_rate", Unit.SHARE, _LOWER, "of the tasks that ended", lambda run: run.failure_rate),
    ("retry_rate", Unit.SHARE, _LOWER, "of the executions that ended", lambda run: run.retry_rate),
    ("duplicate_rate", Unit.SHARE, _LOWER, "of the tasks that ran twice", lambda run: run.duplicate_rate),
    ("all_cache_hits", Unit.SHARE, _HIGHER, "of the keys asked for in caches", lambda run: run.cache_hit_ratio),
    ("memory_growth", Unit.BYTES, _LOWER, "of a worker's process in 1,000 tasks, if it certainly grows", _growth),
    ("redis_memory", Unit.BYTES, _LOWER, "of the server, more than before", _broker(_more_memory)),
    ("keys_left", Unit.COUNT, _LOWER, "keys without a TTL", _broker(lambda use: len(use.lasting_keys))),
    ("queued_size", Unit.BYTES, _LOWER, "bytes of a message in its queue, on average", _broker(_message_bytes)),
)  # fmt: skip
"""How to find each metric of a run."""


SCOPE_METRICS: tuple[Metric, ...] = (
    *(metric for metric, _ in OF_WORKER.values()),
    *(metric for metric, _ in OF_QUEUE.values()),
    *(metric for metric, _ in OF_RUN.values()),
)


def scope_figures(run: Run) -> tuple[ScopeFigure, ...]:
    """Return what is known of workers, queues and the run as a whole, in the order of the registry.

    Args:
        run: Of a test.

    Returns:
        None of these unless the test has asked for ``workers`` or ``broker``.
    """
    if not run.history.samples and run.broker is None:
        return ()
    return (
        *(figure for name, each in run.workers.items() for figure in _figures(OF_WORKER, each, name)),
        *(figure for name, queue in run.queues.items() for figure in _figures(OF_QUEUE, queue, name)),
        *_figures(OF_RUN, run, ""),
    )


def _figures(found: Found[Of], of: Of, name: str) -> Iterator[ScopeFigure]:
    for metric, find in found.values():
        if (value := find(of)) is not None:
            yield ScopeFigure(metric=metric, of=name, value=value)
