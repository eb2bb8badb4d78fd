"""Quantiles of Student's t distribution, exactly, with the standard library."""

from __future__ import annotations

import math
from functools import cache

_HALVINGS = 100
"""After so many the interval is narrower than a float can tell."""


@cache
def student_quantile(alpha: float, degrees: int) -> float:
    """Return the t that a variable exceeds with a given probability.

    Args:
        alpha: The probability, one-sided: above 0 and at most 0.5.
        degrees: Of freedom: 1 or more.

    Raises:
        ValueError: There is no such quantile.
    """
    if not 0 < alpha <= 0.5 or degrees < 1:
        raise ValueError(f"no quantile of Student's t for alpha={alpha} and {degrees} degrees of freedom")
    low, high = 0.0, math.pi / 2
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        low, high = (middle, high) if (1 - _within(middle, degrees)) / 2 > alpha else (low, middle)
    return math.tan(low) * math.sqrt(degrees)


def _within(theta: float, degrees: int) -> float:
    """Return the probability of −t to t.

    Args:
        theta: The arc tangent of t / √degrees.
        degrees: Of freedom.

    Source:
        M. Abramowitz and I. A. Stegun, "Handbook of Mathematical Functions" (1964), 26.7.3 and 26.7.4: for a whole
        number of degrees the integral is a finite sum.
    """
    sine, cosine = math.sin(theta), math.cos(theta)
    odd = degrees % 2
    term = cosine if odd else 1.0
    total = term if degrees > 1 else 0.0
    for factor in range(2 if odd else 1, degrees - 2, 2):
        term *= factor / (factor + 1) * cosine**2
        total += term
    return 2 / math.pi * (theta + sine * total) if odd else sine * total
