"""Lets a prefork worker notice at once that a fault has killed one of its children."""

from __future__ import annotations

from typing import Any

LOOK_S = 0.02
"""How often the main process looks for dead children while one may be killed.

By itself it looks when a child's end of a pipe closes, which may be just before that child counts as dead, and then
only every 5 s: a crash would take 0.02 s or up to 5 s by chance.

Source:
    ``_event_process_exit`` and ``timers`` in celery/concurrency/asynpool.py.
"""


class Supervision:
    """Looks for dead children often, as long as there is a message whose test may kill one."""

    def __init__(self) -> None:
        self.awaited: set[str] = set()
        """The delivery tags of these messages."""
        self._timer: Any = None

    def begin(self, consumer: Any, tag: str) -> None:
        """Look often from now on.

        Args:
            consumer: Celery's, which received the message.
            tag: The message's delivery tag.
        """
        if consumer.hub is None:
            return  # a pool without an event loop has no children
        self.awaited.add(tag)
        if self._timer is None:
            self._timer = consumer.hub.call_repeatedly(LOOK_S, consumer.pool.maintain_pool)

    def end(self, tag: str) -> None:
        """Look often no longer for the sake of a message."""
        self.awaited.discard(tag)
        if not self.awaited and self._timer is not None:
            self._timer.cancel()
            self._timer = None
