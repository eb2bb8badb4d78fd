"""Finds where an execution touches the outside world: transactions, messages, results.

Queries are found by `probe/queries.py`, caches and connections by `probe/caches.py` and `probe/connections.py`. The
wrappers here come into a process with the first message that asks for touch points, so that all others pay nothing.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from pytest_celery_perf.probe import caches, connections, context, django_glue, patch

if TYPE_CHECKING:
    from pytest_celery_perf.probe.touch import Touches

_wrappers = patch.Wrappers()


def install() -> None:
    """See every effect in this process from now on. May be called again; survives a fork."""
    from kombu.messaging import Producer

    _wrappers.wrap(Producer, "publish", _publishing)
    connections.install()
    caches.install()
    _see_results()
    if "django" in sys.modules and django_glue.is_configured():
        from django.db.backends.base.base import BaseDatabaseWrapper

        _wrappers.wrap(BaseDatabaseWrapper, "commit", _ending("commit"))
        _wrappers.wrap(BaseDatabaseWrapper, "rollback", _ending("rollback"))


def uninstall() -> None:
    """Undo `install`."""
    _wrappers.unwrap()
    connections.uninstall()
    caches.uninstall()


def _see_results() -> None:
    """See what the app's backend is told, unless it keeps nothing."""
    from celery import current_app
    from celery.backends.base import DisabledBackend

    backend = type(current_app.backend)
    if not issubclass(backend, DisabledBackend):
        for name, make in (("store_result", _storing), ("on_chord_part_return", _counting)):
            _wrappers.wrap(next(each for each in backend.__mro__ if name in each.__dict__), name, make)


def _touches() -> Touches | None:
    attempt = context.current()
    return None if attempt is None else attempt.touches


def _ending(kind: str) -> Callable[[Any], Any]:
    """Note the end of an outermost transaction.

    Source:
        ``django.db.transaction.Atomic.__exit__``: inner ones end by a statement on a savepoint, the outermost one by
        these methods.
    """

    def wrapping(end: Callable[[Any], None]) -> Callable[[Any], None]:
        def end_noted(connection: Any) -> None:
            touches = _touches()
            if touches is None:
                end(connection)
                return
            touches.reach(kind, connection.alias)
            try:
                end(connection)
            finally:
                touches.answered()

        return end_noted

    return wrapping


def _storing(store: Callable[..., Any]) -> Callable[..., Any]:
    def store_noted(backend: Any, task_id: str, result: Any, state: str, *args: Any, **kwargs: Any) -> Any:
        touches = _touches()
        if touches is not None:
            touches.reach("result", state)
        return caches.apart(store, backend, task_id, result, state, *args, **kwargs)

    return store_noted


def _counting(count: Callable[..., Any]) -> Callable[..., Any]:
    """Note that a chord learns of the end of one of its tasks; the last one's publishes its callback there."""

    def count_noted(*args: Any, **kwargs: Any) -> Any:
        touches = _touches()
        if touches is not None:
            touches.reach("result", "part of a chord")
        return count(*args, **kwargs)

    return count_noted


def _publishing(publish: Callable[..., Any]) -> Callable[..., Any]:
    def publish_noted(producer: Any, body: Any, routing_key: str | None = None, *args: Any, **kwargs: Any) -> Any:
        touches = _touches()
        if touches is not None and kwargs.get("exchange") != _events():
            touches.publish(kwargs.get("headers") or {}, routing_key or producer.routing_key or "")
        return publish(producer, body, routing_key, *args, **kwargs)

    return publish_noted


def _events() -> str:
    """Return where Celery tells what its tasks do (``task_send_sent_event``): no task depends on that."""
    from celery import current_app

    return str(current_app.conf.event_exchange)
