"""What a worker used, from the samples of its processes."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from pytest_celery_perf.model.record import Execution
from pytest_celery_perf.model.samples import Series, WorkerSamples
from pytest_celery_perf.model.units import NS_PER_S


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """One start of one worker: all its processes together, where nothing else is said."""

    rss_bytes: int
    """Resident memory in the end."""
    rss_max_bytes: int
    """The most that was seen of it; what processes share counts for each of them, but in a container."""
    peak_bytes: int | None
    """The most of a single process (of a container: of all), by the kernel's mark."""
    uss_bytes: int | None
    """What would be free if it ended, in the end."""
    cpu_s: float | None
    """CPU time since the test began; None if the main process was looked at less than twice."""
    cores: float | None
    """The same, over the time for which it was watched: 1 is a core that never rests."""
    processes: int
    """How many there were, those included that its tasks have started."""


def usage_of(samples: WorkerSamples | None, executions: Iterable[Execution] = ()) -> Usage | None:
    """Sum up what was seen of a worker.

    Args:
        samples: What was seen.
        executions: Its own. Those that were measured by ``memory`` have reset the kernel's mark, and tell their peaks.

    Returns:
        None if nothing was seen.
    """
    every = [series for series in samples.series if series.at_ns] if samples is not None else []
    if not every:
        return None
    there = [each for each in every if each.gone_ns is None]
    looks_ns = [at_ns for each in every for at_ns, _ in each.cpu]
    watched_s = (max(looks_ns) - min(looks_ns)) / NS_PER_S if looks_ns else 0.0
    inherits = samples is not None and samples.source == "proc"
    cpu_s = _cpu_s(every, inherits=inherits) if len(every[0].cpu) > 1 else None
    marks = [each.peak_bytes for each in every]
    peaks = [each.figures.memory.peak_bytes for each in executions if each.figures.memory is not None]
    uss = [each.uss[-1][1] for each in there if each.uss]
    return Usage(
        rss_bytes=sum(each.rss_bytes[-1] for each in there),
        rss_max_bytes=max(total for _, total in _totals(every)),
        peak_bytes=max((peak for peak in (*marks, *peaks) if peak is not None), default=None),
        uss_bytes=sum(uss) if uss and len(uss) == len(there) else None,
        cpu_s=cpu_s,
        cores=cpu_s / watched_s if cpu_s is not None and watched_s > 0 else None,
        processes=len(every),
    )


def rss_at(series: Series, at_ns: int) -> int | None:
    """Return the memory of a process at a time, as it was seen last; None before it was seen."""
    number = bisect_right(series.at_ns, at_ns)
    return series.rss_bytes[number - 1] if number else None


def _cpu_s(every: list[Series], *, inherits: bool) -> float:
    """Return the CPU time of all processes since the test began.

    Args:
        every: The processes, the main one first.
        inherits: Whether a parent's time has that of its dead children: all of it, their last moments included, from
            when they have died on.
    """
    timed = [each for each in every if each.cpu]
    begin_ns = min(each.cpu[0][0] for each in timed)
    last_ns = every[0].cpu[-1][0] if inherits else None
    total_ns = 0
    for each in timed:
        if each.cpu[0][0] == begin_ns:  # it was there before the test
            total_ns -= each.cpu[0][1]
        if each.gone_ns is None or last_ns is None or each.gone_ns > last_ns:
            total_ns += each.cpu[-1][1]
    return total_ns / NS_PER_S


def _totals(every: list[Series]) -> Iterator[tuple[int, int]]:
    """Yield (when, the memory of all from then on)."""
    changes: list[tuple[int, int]] = []
    for series in every:
        before = 0
        for at_ns, rss_bytes in zip(series.at_ns, series.rss_bytes, strict=True):
            changes.append((at_ns, rss_bytes - before))
            before = rss_bytes
        if series.gone_ns is not None:
            changes.append((series.gone_ns, -before))
    by_time: dict[int, int] = {}
    for at_ns, change in changes:  # those of one look belong together
        by_time[at_ns] = by_time.get(at_ns, 0) + change
    total = 0
    for at_ns in sorted(by_time):
        total += by_time[at_ns]
        yield at_ns, total
