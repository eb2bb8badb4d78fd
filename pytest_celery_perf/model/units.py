"""Durations, rates and sizes: parsed from what people write, printed as people read.

Inside the package a duration is an integer of nanoseconds in a name that ends in
``_ns`` or a float of seconds in a name that ends in ``_s``; a rate is a float in a name
that ends in ``_per_s``; a size is an integer of bytes in a name that ends in ``_bytes``.
They are converted here and nowhere else.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from contextlib import suppress

from pytest_celery_perf.errors import ConfigurationError

__tracebackhide__ = True
"""Who has given a wrong argument is shown the own line, not ours (pytest's documentation of ``__tracebackhide__``)."""

NS_PER_S = 1_000_000_000

_SECONDS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1.0, "min": 60.0, "m": 60.0, "h": 3600.0}
_PRINTED = (("h", 3600.0), ("min", 60.0), ("s", 1.0), ("ms", 1e-3), ("µs", 1e-6), ("ns", 1e-9))
_SHORTEST_IN_MINUTES_S = 120.0  # "90s" reads better than "1.5min"
_ROUNDS_UP = 0.9995  # what three digits would show as 1000 of a unit is 1 of the next
_BYTES = {"b": 1, "kib": 1 << 10, "mib": 1 << 20, "gib": 1 << 30, "kb": 10**3, "mb": 10**6, "gb": 10**9}
_PER_S = {"/s": 1.0, "/min": 1 / 60, "/m": 1 / 60, "/h": 1 / 3600}
_SHARES = {"": 1.0, "%": 0.01}
_QUANTITY = re.compile(r"\s*(\d+(?:\.\d+)?)\s*([a-zµ/%]*)\s*", re.IGNORECASE | re.ASCII)
_GREEK_MU, _MICRO_SIGN = "\u03bc", "\u00b5"  # keyboards have either, readers see no difference


def parse_duration_s(value: object, what: str) -> float:
    """Read a duration.

    Args:
        value: Seconds as a number, or text with a unit such as ``"250ms"``.
        what: The option or marker argument it was given for, named in an error.

    Returns:
        Seconds, zero or more.

    Raises:
        ConfigurationError: The value is not a duration.
    """
    valid = 'seconds as a number, or a text with a unit such as "250ms", "1.5s", "2min"'
    return _parse(value, _SECONDS, "s", what, valid)


def parse_rate_per_s(value: object, what: str) -> float:
    """Read how often something happens.

    Args:
        value: Times in a second as a number, or text with a unit such as ``"3000/min"``.
        what: The option or marker argument it was given for, named in an error.

    Returns:
        Times in a second, zero or more.

    Raises:
        ConfigurationError: The value is not a rate.
    """
    valid = 'times in a second as a number, or a text with a unit such as "100/s", "3000/min", "10000/h"'
    return _parse(value, _PER_S, "/s", what, valid)


def parse_size_bytes(value: object, what: str) -> int:
    """Read a size.

    Args:
        value: Bytes as a number, or text with a unit such as ``"64MiB"``.
        what: The option or marker argument it was given for, named in an error.

    Returns:
        Bytes, zero or more.

    Raises:
        ConfigurationError: The value is not a size.
    """
    valid = 'bytes as a number, or a text with a unit such as "512KiB", "64MiB", "1GB"'
    return round(_parse(value, _BYTES, "b", what, valid))


def parse_share(value: object, what: str, *, of_several: bool = False) -> float:
    """Read a share of a whole.

    Args:
        value: A number up to 1, or a text such as ``"95%"``.
        what: The option or marker argument it was given for, named in an error.
        of_several: Whether a text may say more than 100 %, as of the CPU time of several cores.

    Returns:
        From 0 to 1, or more.

    Raises:
        ConfigurationError: The value is not a share.
    """
    valid = 'a number from 0 to 1, or a text such as "95%"'
    if of_several:
        valid += ' or, of several cores, "150%"'
        if isinstance(value, str) and "%" in value:  # a number such as 95 was meant to be a percentage
            return _parse(value, _SHARES, "", what, valid)
    return _parse(value, _SHARES, "", what, valid, most=1.0)


def _parse(
    value: object, factors: Mapping[str, float], bare: str, what: str, valid: str, *, most: float = math.inf
) -> float:
    quantity = math.nan
    with suppress(OverflowError):
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            quantity = float(value)
        elif isinstance(value, str) and (match := _QUANTITY.fullmatch(value.replace(_GREEK_MU, _MICRO_SIGN))):
            number, unit = match.groups()
            quantity = float(number) * factors.get(unit.lower() or bare, math.nan)
    if 0 <= quantity <= most and quantity < math.inf:
        return quantity
    raise ConfigurationError(f"{what}={value!r}: expected {valid}")


def format_duration_s(seconds: float) -> str:
    """Print a duration with three significant digits and the unit that suits it."""
    for unit, factor in _PRINTED:
        smallest = _SHORTEST_IN_MINUTES_S if unit == "min" else factor
        if abs(seconds) >= smallest * _ROUNDS_UP:
            return f"{_three_digits(seconds / factor)}{unit}"
    return "0s"


def format_duration_ns(nanoseconds: float) -> str:
    """Print a duration given in nanoseconds."""
    return format_duration_s(nanoseconds / NS_PER_S)


def format_size(size_bytes: float) -> str:
    """Print a size with three significant digits, in binary units."""
    for unit, factor in (("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)):
        if abs(size_bytes) >= factor * _ROUNDS_UP:
            return f"{_three_digits(size_bytes / factor)}{unit}"
    return f"{size_bytes:.0f}B"


def _three_digits(number: float) -> str:
    """Print three significant digits, or all that stand before the point, never an exponent."""
    return f"{number:.3g}" if abs(number) < 999.5 else f"{number:.0f}"
