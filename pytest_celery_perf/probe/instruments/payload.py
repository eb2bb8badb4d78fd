"""How large an execution's message is, and its result: both as they are serialised.

The message is measured by the worker's main process, which receives it: its body, decompressed, without the headers
and without what the broker adds. The result is what Celery's backend makes of it, with what Celery stores beside it.
It is the last one stored: a task that is tracked from its start stores its state more than once.

Source:
    ``celery.backends.base.Backend``: ``_store_result`` takes the result, serialises by ``_encode`` either that or a
    dictionary which has it as its ``result``, and stores it. The RPC backend does neither, that of SQLAlchemy
    only the first before Celery 5.7.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from pytest_celery_perf.probe import context, patch
from pytest_celery_perf.probe.instruments import body_bytes
from pytest_celery_perf.probe.pools import ALL
from pytest_celery_perf.probe.readings import Payload

if TYPE_CHECKING:
    from pytest_celery_perf.probe.attempt import RunningAttempt

POOLS = ALL


def begin(attempt: RunningAttempt) -> _Reading:
    """See `Instrument.begin`."""
    return _Reading(attempt.header["bytes"], _watch_results())


class _Reading:
    def __init__(self, message_bytes: int, result_bytes: int | None) -> None:
        self._message_bytes = message_bytes
        self.result_bytes = result_bytes
        self.result: Any = None
        """What is being stored."""

    def end(self) -> list[Payload]:
        return [Payload(self._message_bytes, self.result_bytes)]


def _reading() -> _Reading | None:
    attempt = context.current()
    return None if attempt is None else attempt.reading("payload")


def _watch_results() -> int | None:
    """See what the app's backend serialises, from now on.

    Returns:
        What is stored until something is seen: nothing; None if nobody will see it.
    """
    from celery import current_app
    from celery.backends.base import Backend, DisabledBackend

    backend = type(current_app.backend)
    storing = next((each for each in backend.__mro__ if "_store_result" in each.__dict__), None)
    if storing is None:
        return 0 if issubclass(backend, DisabledBackend) else None
    patch.wrap(storing, "_store_result", _storing)
    patch.wrap(Backend, "_encode", _encoding)
    return 0


def _storing(store: Callable[..., Any]) -> Callable[..., Any]:
    def store_measured(backend: Any, task_id: str, result: Any, *args: Any, **kwargs: Any) -> Any:
        reading = _reading()
        if reading is not None:
            reading.result, reading.result_bytes = result, None
        return store(backend, task_id, result, *args, **kwargs)

    return store_measured


def _encoding(encode: Callable[..., Any]) -> Callable[..., Any]:
    def encode_measured(backend: Any, data: Any) -> Any:
        encoded = encode(backend, data)
        reading = _reading()
        if reading is not None and reading.result_bytes is None:
            stored = data["result"] if isinstance(data, dict) and "result" in data else data
            if stored is reading.result:
                reading.result_bytes = body_bytes(encoded[2])
        return encoded

    return encode_measured
