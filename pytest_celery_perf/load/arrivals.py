"""When the tasks of an open loop are due."""

from __future__ import annotations

import itertools
import math
import random
from collections.abc import Iterator

from pytest_celery_perf.model.load import Arrivals, OpenLoop
from pytest_celery_perf.model.units import NS_PER_S


def schedule(loop: OpenLoop) -> tuple[int, ...]:
    """Return when each task is due, in nanoseconds after the loop's beginning, ascending.

    The arrivals of a process with rate 1 are mapped by the inverse of the expected number of arrivals Λ(t), which is
    the integral of the rate.

    Args:
        loop: The loop.

    Source:
        E. Çinlar, "Introduction to Stochastic Processes" (1975), chapter 4, section 7: a non-homogeneous Poisson
        process is a homogeneous one on the time scale Λ.
    """
    due: Iterator[float] = (_instant_s(number, loop) for number in _unit_arrivals(loop))
    if loop.count is None:
        due = itertools.takewhile(lambda at_s: at_s < loop.duration_s, due)
    return tuple(round(at_s * NS_PER_S) for at_s in itertools.islice(due, loop.count))


def _unit_arrivals(loop: OpenLoop) -> Iterator[float]:
    """Yield the arrivals of a process with one arrival in a unit of time."""
    if loop.arrivals is Arrivals.CONSTANT:
        yield from itertools.count(0.0)
    chance = random.Random(loop.seed)
    at = 0.0
    while True:
        at += chance.expovariate(1.0)
        yield at


def _instant_s(expected: float, loop: OpenLoop) -> float:
    """Return the time by which so many arrivals are expected: the root of r₀·t + (r₁ − r₀)·t²/2T = n."""
    first, last = loop.rate_per_s
    of_ramp = loop.mean_rate_per_s * loop.duration_s
    if expected >= of_ramp:  # chance may need longer than the ramp for its count
        return loop.duration_s + (expected - of_ramp) / last
    if math.isclose(first, last):
        return expected / first
    slope = (last - first) / loop.duration_s
    return 2 * expected / (first + math.sqrt(first * first + 2 * slope * expected))
