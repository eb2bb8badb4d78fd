"""When the tasks of an open loop are due."""

from __future__ import annotations

import itertools
import math
import random
from collections.abc import Iterable

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
    return tuple(round(_instant_s(expected, loop) * NS_PER_S) for expected in _unit_arrivals(loop))


def _unit_arrivals(loop: OpenLoop) -> Iterable[float]:
    """Return the arrivals of a process with one arrival in a unit of time.

    Source:
        Çinlar, chapter 4, section 5: given how many arrivals of a Poisson process there are, they are independent of
        each other and equally likely at any time. So a count is kept, and the rate is exactly that of the loop.
    """
    total = loop.mean_rate_per_s * loop.duration_s
    if loop.arrivals is Arrivals.CONSTANT:
        return range(loop.count or math.ceil(round(total, 9)))
    chance = random.Random(loop.seed)
    if loop.count is not None:
        return sorted(chance.uniform(0, total) for _ in range(loop.count))
    arrivals = itertools.accumulate(iter(lambda: chance.expovariate(1.0), None))
    return itertools.takewhile(lambda at: at < total, arrivals)


def _instant_s(expected: float, loop: OpenLoop) -> float:
    """Return the time by which so many arrivals are expected: the root of r₀·t + (r₁ - r₀)·t²/2T = n."""
    first, last = loop.rate_per_s
    slope = (last - first) / loop.duration_s
    return 2 * expected / (first + math.sqrt(max(0.0, first * first + 2 * slope * expected)))
