"""What was measured of one execution because its test asked for it; `None` is what nobody measured, or no one can."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class GarbageUse:
    """What Python's garbage collector took."""

    collections: int
    paused_ns: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """The figures of one execution, an attribute for each instrument."""

    garbage: GarbageUse | None = None


UNMEASURED = Figures()
"""Of an execution whose test asks for nothing."""
