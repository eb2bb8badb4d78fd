"""What happened in a test, one thing after the other, as a person reads it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class JournalEntry:
    """One thing that happened."""

    at_ns: int
    kind: str
    """``published``, ``received``, ``started``, ``point``, ``ended``, ``acknowledged``, ``requeued``, ``fault`` or
    ``snapshot``."""
    actor: str
    """Who did or suffered it: ``test``, a worker, a process, or ``broker``."""
    text: str
    task_id: str | None = None
