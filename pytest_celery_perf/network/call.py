"""What pytest asks of the process in which the proxies run."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

NEW = "new"
"""The method that makes a proxy, of these arguments."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A method of a proxy, to be called there; answered by what it returns, or the error that it raises."""

    proxy: int
    """Its number."""
    method: str
    arguments: tuple[Any, ...] = ()
    keywords: dict[str, Any] = field(default_factory=dict)
