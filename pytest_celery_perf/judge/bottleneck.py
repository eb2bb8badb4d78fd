"""What holds tasks up: full slots, a slow publisher, or slots that are free though tasks wait."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from statistics import fmean
from typing import Self

from pytest_celery_perf.judge.phrases import join
from pytest_celery_perf.judge.subjects import Subject
from pytest_celery_perf.measure.phases import Clocks, phases_of
from pytest_celery_perf.measure.rates import Pace
from pytest_celery_perf.measure.steps import lasting_s
from pytest_celery_perf.measure.workers import WorkerFigures, workers_of
from pytest_celery_perf.model.metric import format_rate, format_share
from pytest_celery_perf.model.units import NS_PER_S, format_duration_ns

FULL = 0.8
"""From which share of busy slots on there are too few of them: some time passes between two tasks of a slot."""
_NOTABLE = 0.1
"""The share of the time from which on something is worth to be told."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """The workers that consume the queues of some tasks, while these were under way."""

    pace: Pace
    workers: tuple[WorkerFigures, ...]
    window: tuple[int, int]
    """From the first publication to the last end of the tasks, in nanoseconds."""
    runtime_ns: float | None
    """Of the tasks, on average."""

    @classmethod
    def of(cls, subject: Subject, pace: Pace) -> Self:
        """Find the workers of a subject.

        Args:
            subject: The tasks.
            pace: Of these.
        """
        runs = [execution for life in subject.lives for execution in life.started]
        queues = {each.queue for each in runs}
        boots = {each.boot for each in runs}
        clocks = Clocks(subject.history)
        runtimes = [phases_of(each, None, clocks).runtime_ns for each in runs]
        known = [each for each in runtimes if each is not None]
        return cls(
            pace=pace,
            workers=tuple(
                each
                for each in workers_of(subject.history)
                if each.info.boot in boots or not queues.isdisjoint(each.info.queues)
            ),
            window=(pace.sent_ns[0], pace.ended_ns[-1] if pace.ended_ns else pace.sent_ns[-1]),
            runtime_ns=fmean(known) if known else None,
        )

    @property
    def slots(self) -> int | None:
        """How many tasks they run at once, at most; None if one of them has not told."""
        known = [each.info.concurrency for each in self.workers if each.info.concurrency]
        return sum(known) if len(known) == len(self.workers) and known else None

    @property
    def busy(self) -> float | None:
        """The share of their slots that was busy, with whatever tasks; None if unknown."""
        means = [each.active.mean(*self.window) for each in self.workers]
        known = [each for each in means if each is not None]
        return sum(known) / self.slots if self.slots and len(known) == len(means) else None

    @property
    def most_per_s(self) -> float | None:
        """How many tasks of this runtime the slots can do in a second; None if unknown."""
        return self.slots * NS_PER_S / self.runtime_ns if self.slots and self.runtime_ns else None

    def told(self) -> Iterator[str]:
        """Describe each worker in a line."""
        for each in self.workers:
            slots = each.info.concurrency
            mean = each.active.mean(*self.window)
            busy = f", {format_share(mean / slots)} of the slots busy" if slots and mean is not None else ""
            held = f", up to {each.prefetched.max} more in memory" if each.prefetched.max else ""
            yield f"{each.name}: {each.active.max} at a time{f' of at most {slots}' if slots else ''}{busy}{held}"

    def advice(self, wanted_per_s: float | None, wanted_concurrency: int | None) -> Iterator[str]:
        """Say what would make them faster.

        Args:
            wanted_per_s: The rate that shall be reached, if there is one.
            wanted_concurrency: How many shall run at a time, if that is demanded.
        """
        if wanted_concurrency is not None and self.slots is not None and self.slots < wanted_concurrency:
            yield f"its workers have {_slots(self.slots)} in all: raise -c, or start more workers for its queues"
        if self.busy is None:
            return
        arrivals_per_s = self.pace.arrivals_per_s
        if self.busy >= FULL or (wanted_per_s or 0) > (self.most_per_s or math.inf):
            yield self._too_few()
        elif wanted_per_s is not None and arrivals_per_s is not None and arrivals_per_s < wanted_per_s:
            yield (
                f"they were published at {format_rate(arrivals_per_s)}, slower than that: publish them beforehand, or "
                "with celery_perf.load, which is faster"
            )
        elif idle := list(self._hoarding()):
            yield from idle
        else:
            yield (
                f"{format_share(1 - self.busy)} of the slots were free: a worker's main process takes about a "
                "millisecond for each message, so that short tasks need several workers, or larger portions, rather "
                "than more slots"
            )

    def _too_few(self) -> str:
        most = ""
        if self.slots and self.runtime_ns and self.most_per_s:
            runtime = format_duration_ns(self.runtime_ns)
            most = f": at {runtime} a task {_slots(self.slots)} can do {format_rate(self.most_per_s)} at most"
        state = "full" if (self.busy or 0) >= FULL else "too few"
        return f"the slots are {state}{most}; shorten the task (celery_latency tells what it does), or raise -c"

    def _hoarding(self) -> Iterator[str]:
        """Tell who held tasks in memory while another worker for the same queues had free slots."""
        for holder in self.workers:
            idle = [
                other.name
                for other in self.workers
                if other.info.concurrency
                and not set(holder.info.queues).isdisjoint(other.info.queues)
                and hoarded_s(holder, other, self.window) > _NOTABLE * (self.window[1] - self.window[0]) / 1e9
            ]
            if idle:
                yield (
                    f"{holder.name} held up to {holder.prefetched.max} in memory while {join(idle)} had free slots: "
                    "prefetch=1 (worker_prefetch_multiplier = 1) leaves them to whoever is free"
                )


def _slots(number: int) -> str:
    return f"{number} slot{'s' * (number != 1)}"


def hoarded_s(holder: WorkerFigures, other: WorkerFigures, window: tuple[int, int]) -> float:
    """Return how long one worker held tasks in memory that another one had a free slot for, in seconds.

    Args:
        holder: The one.
        other: The other one, whose capacity is known.
        window: From when to when, in nanoseconds.
    """
    slots = other.info.concurrency or 0
    if holder.info.boot == other.info.boot or not slots:
        return 0.0
    return lasting_s(lambda held, busy: held > 0 and busy < slots, window, holder.prefetched, other.active)
