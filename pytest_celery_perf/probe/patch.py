"""Methods of other people's classes, replaced by ones that call them; once, and reversibly."""

from __future__ import annotations

import functools
from collections.abc import Callable
from types import ModuleType
from typing import Any

_replaced: dict[tuple[type | ModuleType, str], tuple[Any, Any]] = {}
"""The original and its replacement."""


def wrap(owner: type | ModuleType, name: str, make: Callable[[Any], Any]) -> None:
    """Replace a method, unless that was done before.

    Args:
        owner: The class, or a module.
        name: The method, or the function.
        make: Takes the original function and returns what calls it.
    """
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
