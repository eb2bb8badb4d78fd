"""Whether the memory of worker processes grows with the tasks that they run: leaks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from statistics import NormalDist, fmean

from pytest_celery_perf.measure.usage import rss_at
from pytest_celery_perf.model.history import History
from pytest_celery_perf.model.record import Execution
from pytest_celery_perf.model.samples import Series

CONFIDENCE = 0.95
BATCHES = 20
"""Into how many batches the tasks of a process are put, if there are so many."""
FEWEST = 5
"""With fewer batches a process tells nothing."""
_WARM_UP = 10
"""The first tenth of the tasks of a process fills caches and imports modules."""
WARM_UP_BYTES = 512 << 10
"""What a process may gather after that, and then keeps to: 170 KiB in a child of prefork and 320 KiB in a solo worker
that run an empty task, in their first 2,000 tasks. Celery itself remembers the last 1,000 that succeeded, for one.

Source:
    ``celery.worker.state.SUCCESSFUL_MAX``.
"""
_LATER = 100
"""A later half of fewer tasks tells nothing of its own: memory grows by pages of 4 KiB."""
_STEADY = 0.8
"""Memory flattens if it grows by less than this share of what it did before."""

Point = tuple[float, float]
"""How many tasks a process had run, and its memory in bytes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Growth:
    """By how much the memory of a process grows while it runs 1,000 tasks."""

    bytes: float
    """The best guess."""
    low_bytes: float
    high_bytes: float
    """Between these two it is with a confidence of 95 %."""
    tasks: int
    """How many tasks tell so."""
    processes: int
    """How many processes ran them."""
    most_tasks: int
    """How many of them one process ran, at most."""
    part: int = 1
    """Which last part of its tasks they are: 2 is the second half, as memory grew faster in the first."""

    @property
    def certain(self) -> bool:
        """Whether it grows at all, with that confidence, and by more than warming up may explain."""
        return self.exceeds(0)

    def exceeds(self, limit_bytes: float) -> bool:
        """Tell whether it certainly grows by more than that in 1,000 tasks, and not only because it still warms up."""
        return self.low_bytes > limit_bytes and self.beyond_bytes(limit_bytes) > WARM_UP_BYTES

    def beyond_bytes(self, limit_bytes: float) -> float:
        """Return by how much more a process has grown than by so much in 1,000 tasks."""
        return (self.bytes - limit_bytes) * self.most_tasks / 1000


def memory_growth(history: History, task: str | None = None) -> Growth | None:
    """Fit a line to the memory of each process over the tasks that it had run: one slope, a level for each process.

    What is fitted are the means of batches of tasks that follow each other, since the memory after one task is much the
    same as after the next, and says little on its own. The warm-up of each process is left out: its first tenth, and
    its first half for as long as memory certainly grew faster there than in its second.

    Args:
        history: Of a test whose workers were sampled, or whose executions were measured by ``memory``.
        task: Only of processes that ran tasks of this name and no others; None: of all.

    Returns:
        None if nobody looked, or too few tasks were run.

    Source:
        Batch means: A. M. Law, Simulation Modeling and Analysis, 5th ed., section 9.5.3. The line: least squares with
        fixed effects; its interval: Student's t.
    """
    found = list(_points(history, task))
    if not found:
        return None
    growth, part = _fitted(found), 1
    while halves := [_halves(points) for points in found if len(points) >= 2 * _LATER]:
        earlier, later = (_fitted(half) for half in zip(*halves, strict=True))
        if earlier.low_bytes <= 0 or later.high_bytes >= _STEADY * earlier.low_bytes:
            break
        found, part = [second for _, second in halves], 2 * part
        growth = replace(later, part=part)
    return growth


def _halves(points: list[Point]) -> tuple[list[Point], list[Point]]:
    middle = len(points) // 2
    return points[:middle], points[middle:]


def _fitted(groups: Sequence[Sequence[Point]]) -> Growth:
    """Fit a line to the memory of some processes."""
    slope, error, freedom = _line([_batched(points) for points in groups])
    margin = _student(freedom) * error
    return Growth(
        bytes=slope * 1000,
        low_bytes=(slope - margin) * 1000,
        high_bytes=(slope + margin) * 1000,
        tasks=sum(map(len, groups)),
        processes=len(groups),
        most_tasks=max(map(len, groups)),
    )


def _points(history: History, task: str | None) -> Iterator[list[Point]]:
    """Yield for each process that ran enough tasks its memory after each of these."""
    ended = [each for each in history.executions if each.ended_ns is not None]
    for boot in dict.fromkeys(each.boot for each in ended):
        own = [each for each in ended if each.boot == boot]
        for runs, points in _measured(own) or _sampled(own, history, boot):
            kept = points[max(1, len(points) // _WARM_UP) :]
            if len(kept) >= FEWEST and (task is None or {each.name for each in runs} == {task}):
                yield kept


def _measured(own: Sequence[Execution]) -> list[tuple[list[Execution], list[Point]]]:
    """Return the memory after each execution as the next one found it, where the executions themselves were told.

    That is exact, however short they were.
    """
    if any(each.figures.memory is None for each in own):
        return []
    of_process: dict[int | None, list[Execution]] = {}
    for each in sorted(own, key=lambda each: each.started_ns or 0):
        of_process.setdefault(each.pid, []).append(each)
    found = []
    for runs in of_process.values():
        uses = [each.figures.memory for each in runs if each.figures.memory is not None]
        after = [*(use.before_bytes for use in uses[1:]), uses[-1].after_bytes]
        found.append((runs, [(float(number), float(memory)) for number, memory in enumerate(after, start=1)]))
    return found


def _sampled(own: Sequence[Execution], history: History, boot: str) -> Iterator[tuple[list[Execution], list[Point]]]:
    """Yield the memory after each execution as it was seen from outside."""
    for samples in history.samples:
        if samples.boot == boot:
            for series in samples.series:
                runs = [each for each in own if samples.source == "cgroup" or each.pid == series.pid]
                yield runs, _after_each(runs, series)


def _after_each(runs: Sequence[Execution], series: Series) -> list[Point]:
    """Return the memory after each task: when the process began the next one, or was looked at for the last time."""
    ends = sorted(each.ended_ns for each in runs if each.ended_ns is not None)
    starts = sorted(each.started_ns for each in runs if each.started_ns is not None)
    if any(start_ns < end_ns for end_ns, start_ns in zip(ends, starts[1:], strict=False)):
        starts = ends  # they overlap: the end of the next one is as good a time
    times = [*starts[1:], series.at_ns[-1]] if series.at_ns else []
    seen = ((number, rss_at(series, at_ns)) for number, at_ns in enumerate(times, start=1))
    return [(float(number), float(rss)) for number, rss in seen if rss is not None]


def _batched(points: Sequence[Point]) -> list[Point]:
    """Return the means of batches of about the same size."""
    number = min(BATCHES, len(points))
    bounds = [round(index * len(points) / number) for index in range(number + 1)]
    batches = (points[first:last] for first, last in pairwise(bounds))
    return [(fmean(x for x, _ in batch), fmean(y for _, y in batch)) for batch in batches]


def _line(groups: Sequence[Sequence[Point]]) -> tuple[float, float, int]:
    """Fit lines that are parallel.

    Returns:
        Their slope, its standard error, and the degrees of freedom of the latter.
    """
    centred = [
        (x - fmean(each for each, _ in points), y - fmean(each for _, each in points))
        for points in groups
        for x, y in points
    ]
    square = sum(x * x for x, _ in centred)
    slope = sum(x * y for x, y in centred) / square
    freedom = len(centred) - len(groups) - 1
    residue = sum((y - slope * x) ** 2 for x, y in centred)
    return slope, (residue / freedom / square) ** 0.5, freedom


def _student(freedom: int) -> float:
    """Return by how many standard errors the interval reaches to either side.

    Args:
        freedom: Degrees of freedom, 3 or more; there the error is below 1 %.

    Source:
        M. Abramowitz and I. A. Stegun, Handbook of Mathematical Functions, 26.7.5.
    """
    x = NormalDist().inv_cdf((1 + CONFIDENCE) / 2)
    g1 = (x**3 + x) / 4
    g2 = (5 * x**5 + 16 * x**3 + 3 * x) / 96
    g3 = (3 * x**7 + 19 * x**5 + 17 * x**3 - 15 * x) / 384
    return x + g1 / freedom + g2 / freedom**2 + g3 / freedom**3
