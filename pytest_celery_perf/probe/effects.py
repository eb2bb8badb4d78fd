"""Finds where an execution touches the outside world: transactions, caches, messages, connections, results.

Queries are found by `probe/queries.py`. The wrappers here come into a process with the first message that asks
for touch points, so that all others pay nothing.
"""

from __future__ import annotations

import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import lru_cache
from types import ModuleType
from typing import TYPE_CHECKING, Any

from pytest_celery_perf.probe import callsite, context, django_glue, patch
from pytest_celery_perf.probe.touch import stable

if TYPE_CHECKING:
    from pytest_celery_perf.probe.touch import Touches

CACHE_WRITES = (
    *("add", "set", "touch", "delete", "incr", "decr", "set_many", "delete_many", "clear"),
    *("delete_pattern", "expire", "expire_at", "pexpire", "pexpire_at", "persist"),
)
"""What changes a cache: of Django's own interface, and what django-redis adds to it."""
FIRST_EPHEMERAL_PORT = 32768
"""Ports from here on are the system's choice, another one in each run.

Source:
    ``ip_local_port_range`` in the Linux kernel's ip-sysctl.rst.
"""

_LOCAL = ("localhost", "127.0.0.1", "::1")
_INFRASTRUCTURE = (
    ("kombu",),
    ("celery", "backends"),
    ("django", "db"),
    ("django", "core", "cache"),
    ("django_redis",),
)
"""Packages that connect to the broker, to databases and to caches."""

_wrapped: list[tuple[type | ModuleType, str]] = []
_inside: ContextVar[bool] = ContextVar("celery_perf_inside_effect", default=False)
"""Whether an effect is under way that has been noted: what it is made of is none of its own."""


def install() -> None:
    """See every effect in this process from now on. May be called again; survives a fork."""
    from kombu.messaging import Producer

    _wrap(Producer, "publish", _publishing)
    _wrap(socket.socket, "connect", _connecting)
    _wrap(socket.socket, "connect_ex", _connecting)
    _wrap(socket, "getaddrinfo", _resolving)
    _see_results()
    if "django" in sys.modules and django_glue.is_configured():
        from django.db.backends.base.base import BaseDatabaseWrapper

        _wrap(BaseDatabaseWrapper, "commit", _ending("commit"))
        _wrap(BaseDatabaseWrapper, "rollback", _ending("rollback"))
        for owner, name in _cache_writes():
            _wrap(owner, name, _writing(name))


def uninstall() -> None:
    """Undo `install`."""
    while _wrapped:
        patch.unwrap(*_wrapped.pop())


def _wrap(owner: type | ModuleType, name: str, make: Callable[[Any], Any]) -> None:
    patch.wrap(owner, name, make)
    _wrapped.append((owner, name))


def _cache_writes() -> Iterator[tuple[type, str]]:
    """Yield what writes to the configured caches, except what Django makes of several writes."""
    from django.core.cache import caches
    from django.core.cache.backends.base import BaseCache
    from django.utils.module_loading import import_string

    for backend in {configured["BACKEND"] for configured in caches.settings.values()}:
        for name in CACHE_WRITES:
            owner = next((each for each in import_string(backend).__mro__ if name in each.__dict__), BaseCache)
            if owner is not BaseCache:
                yield owner, name


def _see_results() -> None:
    """See what the app's backend is told, unless it keeps nothing."""
    from celery import current_app
    from celery.backends.base import DisabledBackend

    backend = type(current_app.backend)
    if not issubclass(backend, DisabledBackend):
        for name, make in (("store_result", _storing), ("on_chord_part_return", _counting)):
            _wrap(next(each for each in backend.__mro__ if name in each.__dict__), name, make)


def _touches() -> Touches | None:
    attempt = context.current()
    return None if attempt is None else attempt.touches


@contextmanager
def _inner() -> Iterator[None]:
    token = _inside.set(True)
    try:
        yield
    finally:
        _inside.reset(token)


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


def _writing(name: str) -> Callable[[Any], Any]:
    def wrapping(write: Callable[..., Any]) -> Callable[..., Any]:
        def write_noted(cache: Any, *args: Any, **kwargs: Any) -> Any:
            touches = None if _inside.get() else _touches()
            if touches is None:
                return write(cache, *args, **kwargs)
            touches.reach("cache", f"{name} {_keys(next(iter((*args, *kwargs.values())), ''))}".rstrip())
            with _inner():
                return write(cache, *args, **kwargs)

        return write_noted

    return wrapping


def _keys(keys: object) -> str:
    if isinstance(keys, (dict, list, tuple, set, frozenset)):
        return ", ".join(sorted({stable(str(key)) for key in keys}))
    # An iterator would be used up by looking at it.
    return stable(str(keys)) if isinstance(keys, (str, int)) else type(keys).__name__


def _storing(store: Callable[..., Any]) -> Callable[..., Any]:
    def store_noted(backend: Any, task_id: str, result: Any, state: str, *args: Any, **kwargs: Any) -> Any:
        touches = _touches()
        if touches is not None:
            touches.reach("result", state)
        with _inner():
            return store(backend, task_id, result, state, *args, **kwargs)

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


def _connecting(connect: Callable[..., Any]) -> Callable[..., Any]:
    def connect_noted(sock: socket.socket, address: Any) -> Any:
        touches = _touches()
        if (
            touches is not None
            and sock.type == socket.SOCK_STREAM
            and not callsite.asked_by(sys._getframe(1), _is_infrastructure)
        ):
            touches.reach("connect", _peer(address, touches.hosts))
        return connect(sock, address)

    return connect_noted


def _resolving(resolve: Callable[..., Any]) -> Callable[..., Any]:
    def resolve_noted(host: Any, *args: Any, **kwargs: Any) -> Any:
        found = resolve(host, *args, **kwargs)
        touches = _touches()
        if touches is not None and host:
            name = host.decode() if isinstance(host, bytes) else str(host)
            touches.hosts.update({address[4][0]: name for address in found})
        return found

    return resolve_noted


def _peer(address: Any, hosts: dict[str, str]) -> str:
    """Name what a socket connects to as the user knows it: by the name that was looked up."""
    if not isinstance(address, tuple):
        return stable(address.decode() if isinstance(address, bytes) else str(address))
    host, port = hosts.get(address[0], address[0]), address[1]
    return f"{host}:*" if host in _LOCAL and port >= FIRST_EPHEMERAL_PORT else f"{host}:{port}"


@lru_cache(maxsize=4096)
def _is_infrastructure(path: str) -> bool:
    parts = tuple(callsite.installed_path(path))
    return any(parts[: len(package)] == package for package in _INFRASTRUCTURE)
