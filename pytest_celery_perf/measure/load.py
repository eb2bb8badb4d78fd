"""What a load showed: rates, latencies from the time at which each task was meant to be published, stalls."""

from __future__ import annotations

import bisect
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Self

from pytest_celery_perf.measure.distribution import SAMPLES_NEEDED, Distribution
from pytest_celery_perf.measure.lives import Fate, Life
from pytest_celery_perf.measure.phases import Clocks, end_to_end_ns
from pytest_celery_perf.measure.summary import Run
from pytest_celery_perf.model.history import History
from pytest_celery_perf.model.load import ClosedLoop, LoadFigures, OpenLoop, Published
from pytest_celery_perf.model.metric import format_rate
from pytest_celery_perf.model.units import NS_PER_S, format_duration_s


@dataclass(frozen=True, slots=True, kw_only=True)
class Stall:
    """A time in which no task ended though some were due."""

    at_s: float
    """When it began, in seconds after the load did."""
    lasting_s: float
    waiting: int
    """How many tasks were due and not done when it was over."""


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Load:
    """What became of the tasks of a load; those that they published themselves are in `run` only.

    ``latency`` is what a user would have waited: of an open loop from the time at which the task was *meant* to be
    published to its end, so that a publisher that is held up hides nothing. ``since_published`` begins when it really
    was; that the two differ is ``lag``.

    Source:
        G. Tene, "How NOT to Measure Latency" (2013): coordinated omission.
    """

    loop: OpenLoop | ClosedLoop
    published: tuple[Published, ...]
    """How the tasks of each kind were published."""
    run: Run
    """All figures of its tasks, and of what they published."""
    tasks: int
    done: int
    """Those that have ended, however."""
    failed: int
    """Those among them that did not succeed."""
    intended_rate: float | None
    """Tasks per second by the schedule; None of a closed loop, which has none."""
    actual_rate: float | None
    """Tasks published per second; None of fewer than two."""
    throughput: float | None
    """Tasks done per second, from the first one due to the last one done."""
    latency: Distribution
    since_published: Distribution
    lag: Distribution
    """How much later than meant each was published; no samples in a closed loop."""
    drain_s: float | None
    """From the last publication to the last end: how long it took to catch up."""
    stall: Stall | None
    """The longest one; None if nothing was done at all."""

    def __repr__(self) -> str:  # type: ignore[explicit-override]  # from Python 3.12 on
        """Tell the figures in a line, as a failed assertion shows them; the records would fill pages."""
        return f"Load({', '.join(self._figures())})"

    def _figures(self) -> Iterator[str]:
        yield f"{'open' if isinstance(self.loop, OpenLoop) else 'closed'} loop"
        yield f"{self.done} of {self.tasks} tasks done"
        yield f"{self.failed} failed"
        if self.actual_rate is not None:
            yield f"published {format_rate(self.actual_rate)}"
        if self.throughput is not None:
            yield f"done {format_rate(self.throughput)}"
        for percent in SAMPLES_NEEDED:
            if (latency_s := self.latency.percentile_or_none(percent)) is not None:
                yield f"p{percent} {format_duration_s(latency_s)}"
        if self.latency.count:
            yield f"max {format_duration_s(self.latency.max)}"
        if self.lag.count:
            yield f"published up to {format_duration_s(self.lag.max)} late"
        if self.stall is not None:
            yield f"longest stall {format_duration_s(self.stall.lasting_s)} at {format_duration_s(self.stall.at_s)}"

    @property
    def figures(self) -> LoadFigures:
        """What the report tells of it."""
        latency = self.latency
        return LoadFigures(
            tasks=self.tasks,
            done=self.done,
            failed=self.failed,
            published=self.published,
            intended_rate=self.intended_rate,
            actual_rate=self.actual_rate,
            throughput=self.throughput,
            p50_s=latency.percentile_or_none(50),
            p95_s=latency.percentile_or_none(95),
            p99_s=latency.percentile_or_none(99),
            max_s=latency.max if latency.count else None,
            lag_s=self.lag.max if self.lag.count else None,
            drain_s=self.drain_s,
            stall_s=None if self.stall is None else self.stall.lasting_s,
        )

    def later_than(self, budget_s: float) -> int:
        """Return how many tasks took longer than that."""
        samples_ns = self.latency.samples_ns
        return len(samples_ns) - bisect.bisect_right(samples_ns, budget_s * NS_PER_S)

    @property
    def lives(self) -> tuple[Life, ...]:
        """What became of each of its tasks; not of what they published."""
        return tuple(life for life in self.run.lives if life.publications and life.publications[0].boot is None)

    def missed(self, budget_s: float) -> int:
        """Return how many tasks are not known to have succeeded within that time."""
        clocks = Clocks(self.run.history)
        latencies_ns = [end_to_end_ns(life, clocks) for life in self.lives if life.fate is Fate.SUCCEEDED]
        return self.tasks - sum(each is not None and each <= budget_s * NS_PER_S for each in latencies_ns)

    @classmethod
    def of(cls, history: History, loop: OpenLoop | ClosedLoop, published: tuple[Published, ...]) -> Self:
        """Compute the figures.

        Args:
            history: Of the load's tasks and what followed from them.
            loop: What was planned.
            published: How they were published.
        """
        run = Run.of(history)
        clocks = Clocks(history)
        own = [life for life in run.lives if life.publications and life.publications[0].boot is None]
        firsts = [life.publications[0] for life in own]
        ended = [life for life in own if life.fate is not Fate.UNFINISHED]
        planned_ns = sorted(each.intended_ns for each in firsts if each.intended_ns is not None)
        actual_ns = sorted(each.published_ns for each in firsts)
        due_ns = sorted(each.due_ns for each in firsts)
        done_ns = sorted(_ends_ns(own))
        return cls(
            loop=loop,
            published=published,
            run=run,
            tasks=len(own),
            done=len(ended),
            failed=sum(life.fate is not Fate.SUCCEEDED for life in ended),
            intended_rate=_rate(planned_ns),
            actual_rate=_rate(actual_ns),
            throughput=len(done_ns) * NS_PER_S / (done_ns[-1] - due_ns[0]) if done_ns else None,
            latency=Distribution.from_samples((end_to_end_ns(life, clocks) for life in own), "latency"),
            since_published=Distribution.from_samples(_since_published_ns(own), "time since publication"),
            lag=Distribution.from_samples(
                (each.published_ns - each.due_ns for each in firsts if each.intended_ns is not None), "publisher's lag"
            ),
            drain_s=max(0, done_ns[-1] - actual_ns[-1]) / NS_PER_S if done_ns else None,
            stall=longest_stall(sorted(_due_ns(own)), done_ns, due_ns[0]) if done_ns else None,
        )


def longest_stall(due_ns: Sequence[int], done_ns: Sequence[int], began_ns: int) -> Stall | None:
    """Find the longest time in which no task ended though at least one was due.

    Args:
        due_ns: When each task was due that has ended or still may, ascending.
        done_ns: When each of those that ended did, ascending.
        began_ns: When the load did.
    """
    longest: Stall | None = None
    before_ns = due_ns[0] if due_ns else 0
    for ended, end_ns in enumerate(done_ns):
        # If nothing was left to do, the time until the next task was due is no stall.
        idle = bisect.bisect_right(due_ns, before_ns) <= ended
        begin_ns = due_ns[ended] if idle and ended < len(due_ns) else before_ns
        lasting_s = (end_ns - begin_ns) / NS_PER_S
        if longest is None or lasting_s > longest.lasting_s:
            waiting = bisect.bisect_right(due_ns, end_ns) - ended
            longest = Stall(at_s=(begin_ns - began_ns) / NS_PER_S, lasting_s=lasting_s, waiting=waiting)
        before_ns = end_ns
    return longest


def _rate(times_ns: Sequence[int]) -> float | None:
    if len(times_ns) < 2 or times_ns[-1] == times_ns[0]:
        return None
    return (len(times_ns) - 1) * NS_PER_S / (times_ns[-1] - times_ns[0])


def _due_ns(lives: Sequence[Life]) -> Iterator[int]:
    """Yield when tasks were due, but not those that nobody was going to run: expired, revoked, lost."""
    for life in lives:
        if life.fate is Fate.UNFINISHED or (life.concluding is not None and life.concluding.ended_ns is not None):
            yield life.publications[0].due_ns


def _ends_ns(lives: Sequence[Life]) -> list[int]:
    ends = (life.concluding.ended_ns for life in lives if life.concluding is not None)
    return [end_ns for end_ns in ends if end_ns is not None]


def _since_published_ns(lives: Sequence[Life]) -> list[int]:
    return [
        life.concluding.ended_ns - life.publications[0].published_ns
        for life in lives
        if life.concluding is not None and life.concluding.ended_ns is not None
    ]
