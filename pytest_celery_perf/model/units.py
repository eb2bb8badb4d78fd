"""Durations and sizes: parsed from what people write, printed as people read.

Inside the package a duration is an integer of nanoseconds in a name that ends in
``_ns`` or a float of seconds in a name that ends in ``_s``; a size is an integer
of bytes in a name that ends in ``_bytes``. They are converted here and nowhere else.
"""

from __future__ import annotations

import re

from pytest_celery_perf.errors import ConfigurationError

NS_PER_S = 1_000_000_000

_SECONDS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1.0, "min": 60.0, "m": 60.0, "h": 3600.0}
_BYTES = {"b": 1, "kib": 1 << 10, "mib": 1 << 20, "gib": 1 << 30, "kb": 10**3, "mb": 10**6, "gb": 10**9}
_QUANTITY = re.compile(r"\s*(\d+(?:\.\d+)?)\s*([a-zµ]*)\s*", re.IGNORECASE)


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


def _parse(value: object, factors: dict[str, float] | dict[str, int], bare: str, what: str, valid: str) -> float:
    if isinstance(value, (int, float)) and not isinstance(value, bool) and 0 <= value < float("inf"):
        return float(value)
    if isinstance(value, str) and (match := _QUANTITY.fullmatch(value)):
        number, unit = match.groups()
        factor = factors.get(unit.lower() or bare)
        if factor is not None:
            return float(number) * factor
    raise ConfigurationError(f"{what}={value!r}: expected {valid}")


def format_duration_s(seconds: float) -> str:
    """Print a duration with three significant digits and the unit that suits it."""
    magnitude = abs(seconds)
    for unit, factor in (("h", 3600.0), ("min", 60.0), ("s", 1.0), ("ms", 1e-3), ("µs", 1e-6)):
        if magnitude >= (factor if unit != "min" else 120.0):
            return f"{seconds / factor:.3g}{unit}" if magnitude / factor < 999.5 else f"{seconds / factor:.0f}{unit}"
    return f"{seconds * 1e9:.0f}ns" if seconds else "0s"


def format_duration_ns(nanoseconds: float) -> str:
    """Print a duration given in nanoseconds."""
    return format_duration_s(nanoseconds / NS_PER_S)


def format_size(size_bytes: float) -> str:
    """Print a size in binary units."""
    for unit, factor in (("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)):
        if abs(size_bytes) >= factor:
            return f"{size_bytes / factor:.3g}{unit}"
    return f"{size_bytes:.0f}B"
