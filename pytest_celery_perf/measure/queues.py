"""What went through each queue, exactly, from the records of its messages."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from pytest_celery_perf.measure.distribution import Distribution
from pytest_celery_perf.measure.lives import Life, all_lives
from pytest_celery_perf.measure.phases import Clocks, phases_of
from pytest_celery_perf.measure.steps import Span, Steps, rate_per_s
from pytest_celery_perf.model.history import History
from pytest_celery_perf.model.record import Execution, Publication


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueFigures:
    """One queue, as far as the messages of one test went through it."""

    name: str
    depth: Steps
    """How many messages lay in the broker over time: those that a worker had taken lie there no longer."""
    wait: Distribution
    """Time in queue, as in `measure.phases`: the wait in a worker's memory is a part of it."""
    arrivals: int
    """How many messages came: retries, and what was put back, are messages again."""
    departures: int
    """How many a worker took."""
    arrivals_per_s: float | None
    """From the first to the last; None for fewer than two."""
    departures_per_s: float | None


def queues_of(history: History) -> Mapping[str, QueueFigures]:
    """Measure each queue that a test's messages went to.

    Left out are messages of which nobody knows when they left: what a worker threw away without running it (revoked,
    expired, unknown), what was possibly never sent, and what went between clocks that cannot be compared. A message
    that Redis delivers again after its visibility timeout comes back the moment that it is taken again: when it was put
    back nobody has noted.

    Args:
        history: Of a test, or a part of one.

    Returns:
        Queue name to its figures, in the order in which the queues were first used.
    """
    clocks = Clocks(history)
    stays: dict[str, list[Span]] = {}
    waits: dict[str, list[int | None]] = {}
    for life in all_lives(history):
        for publication in life.publications:
            if publication.queue is not None:
                stays.setdefault(publication.queue, []).extend(_stays(life, publication, clocks))
        for execution in life.started:
            phases = phases_of(execution, life.publication_of(execution), clocks)
            waits.setdefault(execution.queue or "", []).append(phases.queue_ns)
    return MappingProxyType({name: _figures(name, spans, waits.get(name, ())) for name, spans in stays.items()})


def _stays(life: Life, publication: Publication, clocks: Clocks) -> Iterator[Span]:
    """Yield when a message lay in its queue: once, and again for each time it was put back."""
    deliveries = [each for each in life.executions if each.retries == publication.retries]
    if not clocks.agree(publication.boot, *(each.boot for each in deliveries)):
        return
    if deliveries or (publication.confirmed and publication.discarded is None):
        yield publication.published_ns, _taken_ns(deliveries, 0)
    for number, execution in enumerate(deliveries, start=1):
        if execution.requeued_ns is not None:
            yield execution.requeued_ns, _taken_ns(deliveries, number)


def _taken_ns(deliveries: list[Execution], number: int) -> int | None:
    return deliveries[number].received_ns if number < len(deliveries) else None


def _figures(name: str, spans: list[Span], waits: Iterable[int | None]) -> QueueFigures:
    taken = [ends_ns for _, ends_ns in spans if ends_ns is not None]
    return QueueFigures(
        name=name,
        depth=Steps.of(spans),
        wait=Distribution.from_samples(waits, f"time in queue {name}"),
        arrivals=len(spans),
        departures=len(taken),
        arrivals_per_s=rate_per_s(begins_ns for begins_ns, _ in spans),
        departures_per_s=rate_per_s(taken),
    )
