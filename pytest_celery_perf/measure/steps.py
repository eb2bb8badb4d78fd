"""How many there are at a time: a number that changes only when something begins or ends."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import pairwise, zip_longest
from operator import itemgetter
from typing import Self

from pytest_celery_perf.model.units import NS_PER_S

Span = tuple[int, int | None]
"""From when to when something lasts, in nanoseconds; None: it has not ended."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Steps:
    """A step function over time, exact at every moment."""

    changes: tuple[tuple[int, int], ...] = ()
    """(when, how many from then on), in the order of time; before the first there is none."""

    @classmethod
    def of(cls, spans: Iterable[Span]) -> Self:
        """Count spans by how many last at a time; one that begins when another ends takes its place.

        Args:
            spans: In any order; one that ends before it begins, by clocks that are read apart, lasts no time.
        """
        deltas: Counter[int] = Counter()
        for begins_ns, ends_ns in spans:
            deltas[begins_ns] += 1
            if ends_ns is not None:
                deltas[max(begins_ns, ends_ns)] -= 1
        changes, count = [], 0
        for at_ns in sorted(deltas):
            if deltas[at_ns]:
                count += deltas[at_ns]
                changes.append((at_ns, count))
        return cls(changes=tuple(changes))

    @property
    def max(self) -> int:
        """The most there were at a time."""
        return max((count for _, count in self.changes), default=0)

    @property
    def last(self) -> int:
        """How many there were in the end."""
        return self.changes[-1][1] if self.changes else 0

    def at(self, at_ns: int) -> int:
        """Return how many there were at a time."""
        number = bisect_right(self.changes, at_ns, key=itemgetter(0))
        return self.changes[number - 1][1] if number else 0

    def mean(self, from_ns: int, until_ns: int) -> float | None:
        """Return how many there were on average over time; None over no time."""
        span_ns = until_ns - from_ns
        return self._integral_ns(from_ns, until_ns) / span_ns if span_ns > 0 else None

    def integral_s(self, from_ns: int, until_ns: int) -> float:
        """Return how long all of them lasted together between two times, in seconds."""
        return self._integral_ns(from_ns, until_ns) / NS_PER_S

    def _integral_ns(self, from_ns: int, until_ns: int) -> int:
        total_ns = 0
        ends = [at_ns for at_ns, _ in self.changes[1:]] + [until_ns]
        for (since_ns, count), end_ns in zip(self.changes, ends, strict=False):
            total_ns += count * max(0, min(end_ns, until_ns) - max(since_ns, from_ns))
        return total_ns


def rate_per_s(times_ns: Iterable[int]) -> float | None:
    """Return how often something happens: the intervals between first and last, over the time between these.

    Args:
        times_ns: When it happened, in any order.

    Returns:
        Times in a second; None for fewer than two times, or if all are the same.
    """
    ordered = sorted(times_ns)
    span_ns = ordered[-1] - ordered[0] if ordered else 0
    return (len(ordered) - 1) * NS_PER_S / span_ns if span_ns > 0 else None


def spans_where(holds: Callable[..., bool], *steps: Steps) -> list[Span]:
    """Return when a condition held: spans in the order of time that do not touch each other.

    Args:
        holds: Takes how many there were of each, in the order of `steps`; it does not hold where there is none.
        steps: What it is about.
    """
    times = sorted({at_ns for each in steps for at_ns, _ in each.changes})
    held = [(at_ns, holds(*(each.at(at_ns) for each in steps))) for at_ns in times]
    turns = [at_ns for (at_ns, now), (_, before) in zip(held, [(0, False), *held], strict=False) if now != before]
    return list(zip_longest(turns[::2], turns[1::2]))


def lasting_s(holds: Callable[..., bool], window: tuple[int, int], *steps: Steps) -> float:
    """Return how long a condition held.

    Args:
        holds: Takes how many there were of each, in the order of `steps`.
        window: From when to when, in nanoseconds.
        steps: What it is about.

    Returns:
        Seconds.
    """
    from_ns, until_ns = window
    changes = {at_ns for each in steps for at_ns, _ in each.changes if from_ns < at_ns < until_ns}
    times = sorted({from_ns, *changes, until_ns}) if from_ns < until_ns else []
    return sum(end - begin for begin, end in pairwise(times) if holds(*(each.at(begin) for each in steps))) / NS_PER_S
