"""What pytest asks of the process in which the proxies run."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

NEW = "new"
"""The method that makes a proxy, of these arguments."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A method of a proxy, to be called there."""

    number: int
    proxy: int
    """Its number."""
    method: str
    arguments: tuple[Any, ...] = ()
    keywords: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a call has come to."""

    number: int
    """That of the call: one that was interrupted is answered all the same."""
    value: Any
    """What the method returned, or the error that it raised."""
