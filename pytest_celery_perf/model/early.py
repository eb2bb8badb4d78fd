"""What was published before a test began, and so is not the test's."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class EarlyTasks:
    """Tasks that a fixture of wider scope than a function has published, when no workers were there yet."""

    fixture: str
    """What to call it: ``fixture 'orders'``, ``setUpClass``."""
    scope: str
    """``class``, ``module``, ``package`` or ``session``."""
    tasks: tuple[str, ...]
    """Their names, each once."""
    broker: str
    """URL of the broker that has them, without its password; empty: they ran at once in the tests' own process."""
