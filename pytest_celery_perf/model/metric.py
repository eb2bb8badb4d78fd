"""What a figure is: its name, its unit, and which way is better."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from pytest_celery_perf.model.units import format_duration_s, format_size


class Unit(StrEnum):
    """What a figure counts. Inside the package all are SI base units, or bytes."""

    SECONDS = "s"
    BYTES = "bytes"
    COUNT = "count"
    RATE = "1/s"
    SHARE = "share"
    """From 0 to 1, printed in percent."""


class Direction(StrEnum):
    """Which way is better."""

    LOWER = "lower"
    HIGHER = "higher"
    NEITHER = "neither"


class Scope(StrEnum):
    """What has one such figure."""

    EXECUTION = "execution"
    WORKER = "worker"
    QUEUE = "queue"
    RUN = "run"


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """One kind of figure."""

    name: str
    unit: Unit
    direction: Direction
    scope: Scope
    meaning: str
    """In a few words, as a table's legend says it."""

    def format(self, value: float) -> str:
        """Print a figure with three significant digits and its unit."""
        return _FORMATTERS[self.unit](value)


def format_count(value: float) -> str:
    """Print a number of things: whole if it is."""
    return f"{value:,.0f}" if float(value).is_integer() or abs(value) >= 1000 else f"{value:.3g}"


def format_rate(value: float) -> str:
    """Print how often something happens in a second, or where that is more readable in a minute or an hour."""
    if value >= 1 or value == 0:
        return f"{format_count(value)}/s"
    return f"{format_count(value * 60)}/min" if value * 60 >= 1 else f"{format_count(value * 3600)}/h"


def format_share(value: float) -> str:
    """Print a share of one in percent."""
    return f"{value * 100:.3g} %"


def format_change(share: float) -> str:
    """Print by how much something differs from what it was: ``+23 %``, ``-0.4 %``."""
    percent = round(share * 100, 0 if abs(share) >= 0.0995 else 1) + 0.0  # no minus before a zero
    return f"{percent:+,.{0 if percent.is_integer() else 1}f} %"


_FORMATTERS: dict[Unit, Callable[[float], str]] = {
    Unit.SECONDS: format_duration_s,
    Unit.BYTES: format_size,
    Unit.COUNT: format_count,
    Unit.RATE: format_rate,
    Unit.SHARE: format_share,
}
