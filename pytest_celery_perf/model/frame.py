"""A place in the user's code."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """A line of the user's code."""

    path: str
    """As the interpreter knows it: absolute, unless the worker was started otherwise."""
    line: int
    function: str
