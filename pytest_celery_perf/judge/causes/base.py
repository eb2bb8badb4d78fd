"""What a cause is."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from pytest_celery_perf.model.situation import PendingTask, Situation


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """One way not to finish: how to recognise it, and what to say."""

    fits: Callable[[PendingTask, Situation], str | None]
    """Whether a task suffers from it: the name of its group, whose tasks are told together, or None."""
    tell: Callable[[Sequence[PendingTask], Situation], Iterator[str]]
    """The lines of the paragraph about a group; those that begin with ``try:`` say what to do."""
