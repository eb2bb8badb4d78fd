"""The delays between attempts: Celery's formula, and what can be told without one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import isclose
from typing import Self

from pytest_celery_perf.model.record import TaskOptions
from pytest_celery_perf.model.units import format_duration_s

_LEAST_GROWTH = 1.2
_RATIO_TOLERANCE = 0.9
_SHORT_S = 0.02
"""By how much a countdown that was told by an ETA may have fallen short before it could be noted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """The countdowns that ``autoretry_for`` with ``retry_backoff`` requests.

    After the attempt with ``request.retries`` = n the countdown is min(cap, factor · 2ⁿ)
    seconds, whole ones; with jitter it is drawn from the whole numbers 0 to that one, both
    included.

    Source: ``get_exponential_backoff_interval`` in celery/utils/time.py; the factor is
    ``int(max(1, retry_backoff))`` and the cap ``int(retry_backoff_max)`` by celery/app/autoretry.py.
    """

    factor_s: int
    cap_s: int
    jitter: bool

    @classmethod
    def of(cls, options: TaskOptions | None) -> Self | None:
        """Return the schedule of a task; None for one without automatic retries or without backoff."""
        if options is None or not options.autoretry or not options.retry_backoff:
            return None
        return cls(
            factor_s=int(max(1.0, options.retry_backoff)),
            cap_s=int(options.retry_backoff_max_s),
            jitter=options.retry_jitter,
        )

    def bound_s(self, retries: int) -> int:
        """Return the countdown after an attempt; with jitter the longest that can be drawn.

        Args:
            retries: Which attempt it was: 0 is the first.
        """
        return max(0, min(self.cap_s, self.factor_s << retries))

    def allows(self, retries: int, countdown_s: float) -> bool:
        """Tell whether a requested countdown can come from this schedule."""
        bound_s = self.bound_s(retries)
        return 0 <= countdown_s <= bound_s if self.jitter else same(countdown_s, bound_s)

    def longest_s(self, max_retries: int | None) -> int:
        """Return the longest countdown that the schedule comes to.

        Args:
            max_retries: The task's; None for no end.
        """
        if max_retries is None:
            return self.cap_s
        return self.bound_s(max_retries - 1) if max_retries > 0 else 0

    def text(self, attempts: int) -> str:
        """Print the countdowns after the first attempts: ``1s, 2s, 4s``."""
        return durations((self.bound_s(number) for number in range(attempts)), "≤ " if self.jitter else "")


def same(one_s: float, other_s: float) -> bool:
    """Tell whether two countdowns are meant to be equal; one from an ETA is some milliseconds short."""
    return isclose(one_s, other_s, rel_tol=0.0, abs_tol=_SHORT_S)


def at_most(countdown_s: float, limit_s: float) -> bool:
    """Tell whether a countdown keeps to a limit; what is told of an ETA is never too much."""
    return countdown_s <= limit_s or isclose(countdown_s, limit_s)


def is_fixed(countdowns_s: Sequence[float]) -> bool:
    """Tell whether the countdowns of one task, at least two, are all the same."""
    return all(same(countdowns_s[0], each) for each in countdowns_s)


def is_exponential(countdowns_s: Sequence[float], cap_s: float | None = None) -> bool:
    """Tell whether the countdowns of one task, at least two, grow by a ratio that does not shrink.

    Linear growth (10, 20, 30) has shrinking ratios. A cap may stop the growth: the longest
    countdown, where it stands at the end more than once or equals the given cap.

    Args:
        countdowns_s: In order of the attempts.
        cap_s: The longest that is allowed, if that is known.
    """
    top_s = max(countdowns_s)
    free = list(countdowns_s)
    while free and same(free[-1], top_s):
        free.pop()
    at_cap = len(countdowns_s) - len(free)
    if at_cap == 1 and (cap_s is None or not same(top_s, cap_s)):
        free.append(top_s)
    if not free or min(free) <= 0 or top_s < _LEAST_GROWTH * free[0]:
        return False
    ratios = [later / earlier for earlier, later in pairwise(free)]
    steady = all(later >= _RATIO_TOLERANCE * earlier for earlier, later in pairwise(ratios))
    return steady and all(ratio >= _LEAST_GROWTH for ratio in ratios)


def durations(values_s: Iterable[float], prefix: str = "", *, exact: bool = False) -> str:
    """Print countdowns one after the other.

    Args:
        values_s: Seconds.
        prefix: What stands before each.
        exact: Whether to print all digits, since a rounded text would not show in what some differ.
    """
    return ", ".join(f"{prefix}{f'{each:.10g}s' if exact else format_duration_s(each)}" for each in values_s)
