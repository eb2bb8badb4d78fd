"""What is known about one execution, while it still comes in."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from pytest_celery_perf.model.record import Outcome
from pytest_celery_perf.probe import wire

Key = tuple[str, int, int]
"""(task id, retries, received_ns): an execution."""


@dataclass(slots=True)
class Draft:
    """An execution, as far as its records have come in. They come in any order between processes."""

    key: Key
    received: wire.Received | None = None
    boot: str = ""
    started: wire.Started | None = None
    pid: int | None = None
    finished: wire.Finished | None = None
    file: str = ""
    """The file of the process that ran it, whose numbers the query rows use."""
    failed: wire.Failed | None = None
    accepted_ns: int | None = None
    """When the worker's main process knew that it had begun; noted only where the test may hurt workers."""
    acknowledged_ns: int | None = None
    requeued_ns: int | None = None
    touched: list[wire.Touched] = field(default_factory=list)
    measured: dict[str, list[Any]] = field(default_factory=dict)
    """The rows that instruments have written, by instrument."""
    answered_ns: int = 0
    """When a database last answered, where touch points are asked for."""
    content: dict[str, Any] | None = None
    """Its message, if that shall be delivered again."""

    @property
    def runs(self) -> bool:
        """Whether it has begun, and neither ended, nor was cut off, nor put back, for all that was recorded."""
        return self.started is not None and self.finished is None and self.failed is None and self.requeued_ns is None

    @property
    def unheard(self) -> bool:
        """Whether it has ended, and its worker will never acknowledge it."""
        return self.finished is not None and self.finished.unheard

    @property
    def outcome(self) -> Outcome | None:
        """How it ended, by the process that ran it or else by the worker's main process."""
        if self.finished is not None and self.finished.outcome is not None:
            return Outcome(self.finished.outcome)
        return None if self.failed is None else Outcome(self.failed.outcome)
