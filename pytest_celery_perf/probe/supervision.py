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
    """Looks for dead children often, as long as a task is not over whose test may kill one."""

    def __init__(self) -> None:
        self._awaited: list[Any] = []
        """Celery's requests for these tasks."""
        self._timer: Any = None

    def begin(self, consumer: Any, request: Any) -> None:
        """Look often from now on.

        Args:
            consumer: Celery's, which received the message.
            request: Celery's request for its task.
        """
        if consumer.hub is None:
            return  # a pool without an event loop has no children
        self._awaited.append(request)
        if self._timer is None:
            self._timer = consumer.hub.call_repeatedly(LOOK_S, self._look, consumer.pool)

    def resume(self, consumer: Any) -> None:
        """Go on after the worker has forgotten its messages, but for those whose tasks run on: others are never over.

        Args:
            consumer: Celery's, which has closed its connection.

        Source:
            ``Consumer.on_close`` in celery/worker/consumer/consumer.py, which before 5.7 clears all timers.
        """
        from celery.worker import state

        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        awaited, self._awaited = self._awaited, []
        for request in awaited:
            if request in state.active_requests:
                self.begin(consumer, request)

    def _look(self, pool: Any) -> None:
        pool.maintain_pool()
        self._awaited = [request for request in self._awaited if not _is_over(request)]
        if not self._awaited:
            self._timer.cancel()
            self._timer = None


def _is_over(request: Any) -> bool:
    """Tell whether its message is gone and its task, too: acknowledged early, the message is gone when the task begins.

    Source:
        ``celery.worker.state.requests``: from when a task is handed to the pool until the pool is done with it.
    """
    from celery.worker import state

    return request.acknowledged and request.id not in state.requests
