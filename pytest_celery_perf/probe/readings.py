"""What instruments tell of one execution: the rows of a `wire.Measured`, a named tuple for each instrument."""

from __future__ import annotations

from typing import NamedTuple


class Garbage(NamedTuple):
    """``garbage``, one row: the garbage collector."""

    collections: int
    paused_ns: int
