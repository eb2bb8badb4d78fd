"""Tracks what is published, in the test process and in workers alike.

Each message of a test carries a header with the test's token; what a task publishes inherits
it. So children, retries, callbacks and the links of a chain are known by what they are, and
nothing depends on what ``delay`` returns.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from pytest_celery_perf.probe import wire
from pytest_celery_perf.probe.journal import Journal
from pytest_celery_perf.probe.orders import HEADER

Header = dict[str, Any]
"""``t``: the test's token; ``scale``: by how much retry countdowns shrink; ``etas``: whether all other delays do, too;
``faults``: see `FaultOrder`; ``touch``: whether executions record their touch points, see `model.record.Point`;
``notice``: whether the test itself may kill a child; ``closed``: the databases that its task must not use;
``measure``: the instruments that measure its execution;
``received``, ``bytes``, ``spared``: set by the worker for its own child process."""
RECEIPT = ("received", "bytes", "spared")
"""What belongs to one receipt of a message: when it was, how large the message's body is, and the keys of the time
limits that its task has not."""


class PublishTracker(threading.local):
    """Writes a record before and after each publish.

    What a load sets or finds here is of its thread alone, as another one of the test's may publish meanwhile.

    Args:
        journal: Where the records go.
        header: Returns the header that a message published right now shall carry, or None.
        retrying: Returns the id of the task that runs right now, so that its retries can be told
            from other messages.
        announce: Writes down that a message is about to be published, if not at once to the journal.
    """

    def __init__(
        self,
        journal: Journal,
        header: Callable[[], Header | None],
        retrying: Callable[[], str | None],
        announce: Callable[[wire.Publishing], None] | None = None,
    ) -> None:
        self._journal = journal
        self._announce = announce or journal.write
        self._header = header
        self._retrying = retrying
        self.intended_ns: int | None = None
        """When what is published next was meant to be, if somebody keeps to a schedule."""
        self.last: wire.Publishing | None = None
        """What was announced last."""
        self.unsent: list[wire.Record] | None = None
        """The records of publishes that returned, while their messages are not sent yet; None if that is the same."""

    def forget(self) -> None:
        """Forget what was announced last."""
        self.last = None

    def connect(self) -> None:
        """Listen to Celery's publish signals."""
        from celery import signals

        signals.before_task_publish.connect(self.before, weak=False)
        signals.after_task_publish.connect(self.after, weak=False)

    def disconnect(self) -> None:
        """Listen no longer."""
        from celery import signals

        signals.before_task_publish.disconnect(self.before)
        signals.after_task_publish.disconnect(self.after)

    def before(
        self,
        sender: str = "",
        headers: dict[str, Any] | None = None,
        properties: dict[str, Any] | None = None,
        routing_key: str | None = None,
        declare: list[Any] | None = None,
        **_: Any,
    ) -> None:
        """Handle ``before_task_publish``."""
        if headers is None or "id" not in headers:
            return  # protocol 1 keeps the id in the body; Celery 4 and later send protocol 2
        header = self._header() or headers.get(HEADER)
        if header is None:
            return
        headers[HEADER] = {key: value for key, value in header.items() if key not in RECEIPT}
        expires = _seconds_until(headers.get("expires"))
        requested, waited = self._shorten(headers, header)
        self.last = wire.Publishing(
            time.monotonic_ns(),
            header["t"],
            headers["id"],
            headers.get("root_id"),
            headers.get("parent_id"),
            sender,
            headers.get("retries") or 0,
            # A queue may be bound by another key than its name.
            getattr(declare[0], "name", routing_key) if declare else routing_key,
            (properties or {}).get("priority"),
            requested,
            waited,
            self.intended_ns,
            expires,
        )
        self._announce(self.last)

    def after(self, headers: dict[str, Any] | None = None, **_: Any) -> None:
        """Handle ``after_task_publish``."""
        if headers is not None and HEADER in headers:
            record = wire.Published(time.monotonic_ns(), headers["id"], headers.get("retries") or 0)
            if self.unsent is not None:
                self.unsent.append(record)
                return
            self._journal.write(record)
            self._journal.ring()

    def _shorten(self, headers: dict[str, Any], header: Header) -> tuple[float | None, float | None]:
        """Bring a retry forward, or whatever has an ETA; return the requested and the waited delay in seconds.

        The time that is left out is left out for ``expires`` too: the task's world has moved on
        by that much.
        """
        requested = _seconds_until(headers.get("eta"))
        if requested is None:
            return None, None
        scale = header.get("scale")
        if scale is None or not (header.get("etas") or headers["id"] == self._retrying()):
            return requested, requested
        waited = requested * scale
        headers["eta"] = (datetime.now(UTC) + timedelta(seconds=waited)).isoformat()
        if headers.get("expires"):
            headers["expires"] = (_instant(headers["expires"]) - timedelta(seconds=requested - waited)).isoformat()
        return requested, waited


def _seconds_until(moment: str | datetime | None) -> float | None:
    return max(0.0, (_instant(moment) - datetime.now(UTC)).total_seconds()) if moment else None


def _instant(value: str | datetime) -> datetime:
    instant = value if isinstance(value, datetime) else datetime.fromisoformat(value)
    return instant if instant.tzinfo is not None else instant.replace(tzinfo=UTC)
