"""Methods of other people's classes, replaced by ones that call them; once, and reversibly."""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable
from types import ModuleType
from typing import Any

_replaced: dict[tuple[type | ModuleType, str], tuple[Any, Any]] = {}
"""The original and its replacement."""
replacing = threading.RLock()
"""Held until all is replaced that belongs together: a thread that asks for it meanwhile would go on half unseen."""


def wrap(owner: type | ModuleType, name: str, make: Callable[[Any], Any]) -> None:
    """Replace a method, unless that was done before.

    Args:
        owner: The class, or a module.
        name: The method, or the function.
        make: Takes the original function and returns what calls it.
    """
    with replacing:
        if (owner, name) in _replaced:
            return
        original = getattr(owner, name)
        replacement = functools.wraps(original)(make(original))
        _replaced[owner, name] = original, replacement
        setattr(owner, name, replacement)


def unwrap(owner: type | ModuleType, name: str) -> None:
    """Put the original back, unless somebody has replaced the replacement since."""
    original, replacement = _replaced.pop((owner, name), (None, None))
    if original is not None and getattr(owner, name) is replacement:
        setattr(owner, name, original)


class Wrappers:
    """Wrappers that belong together: what one part of the probe sees of other people's code."""

    def __init__(self) -> None:
        self._wrapped: list[tuple[type | ModuleType, str]] = []

    def wrap(self, owner: type | ModuleType, name: str, make: Callable[[Any], Any]) -> None:
        """Replace a method; see `wrap`."""
        wrap(owner, name, make)
        if (owner, name) not in self._wrapped:
            self._wrapped.append((owner, name))

    def __bool__(self) -> bool:
        """Tell whether there are any."""
        return bool(self._wrapped)

    def unwrap(self) -> None:
        """Put all originals back."""
        while self._wrapped:
            unwrap(*self._wrapped.pop())
