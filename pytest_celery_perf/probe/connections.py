"""Finds the connections that an execution makes: they are touch points, and an instrument counts them.

The wrappers come into a process with the first message that asks for one of them. Not seen is what connects in C
(libpq, gRPC, uvloop).
"""

from __future__ import annotations

import errno
import os
import socket
import sys
from collections.abc import Callable
from contextvars import ContextVar
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from pytest_celery_perf.probe import callsite, context, patch
from pytest_celery_perf.probe.touch import stable

if TYPE_CHECKING:
    from types import FrameType

    from pytest_celery_perf.probe.attempt import RunningAttempt
    from pytest_celery_perf.probe.instruments.outbound import OutboundReading

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
    ("sqlalchemy",),
)
"""Packages that connect to the broker, to databases and to caches."""
_UNDER_WAY = (errno.EINPROGRESS, errno.EWOULDBLOCK)

_wrappers = patch.Wrappers()
_inside: ContextVar[bool] = ContextVar("celery_perf_inside_connect", default=False)
"""Whether a call is under way that has been noted: it may make the other one."""


def install() -> None:
    """See every connection of this process from now on. May be called again; survives a fork."""
    _wrappers.wrap(socket.socket, "connect", _connecting)
    _wrappers.wrap(socket.socket, "connect_ex", _connecting)
    _wrappers.wrap(socket, "getaddrinfo", _resolving)
    if context.has_greenlets():
        # Its `create_connection` does not ask the patched module.
        _wrappers.wrap(sys.modules["gevent.socket"], "getaddrinfo", _resolving)


def uninstall() -> None:
    """Undo `install`."""
    _wrappers.unwrap()


def is_users(frame: FrameType) -> bool:
    """Tell whether it is neither the broker nor a database or a cache that somebody is about to ask.

    Args:
        frame: The innermost frame of who asks.
    """
    return not callsite.asked_by(frame, _is_infrastructure)


def _connecting(connect: Callable[..., Any]) -> Callable[..., Any]:
    def connect_noted(sock: socket.socket, address: Any) -> Any:
        attempt = None if _inside.get() else context.current()
        if attempt is None:
            return connect(sock, address)
        reading: OutboundReading | None = attempt.reading("outbound")
        # `sock.type` is a Python function: none where nobody reads, for the sake of `celery_cpu(calls=)`.
        if (reading is None and attempt.touches is None) or sock.type != socket.SOCK_STREAM:
            return connect(sock, address)
        if not is_users(sys._getframe(1)):
            return connect(sock, address)
        host, port = _peer(address, attempt)
        if attempt.touches is not None:
            attempt.touches.reach("connect", _label(host, port))
        made = False
        token = _inside.set(True)
        try:
            result = connect(sock, address)
            made = not result or result in _UNDER_WAY
        except BlockingIOError:
            made = True
            raise
        else:
            return result
        finally:
            _inside.reset(token)
            if reading is not None:
                reading.connected(host, port, made)

    return connect_noted


def _resolving(resolve: Callable[..., Any]) -> Callable[..., Any]:
    def resolve_noted(host: Any, *args: Any, **kwargs: Any) -> Any:
        attempt = context.current()
        if attempt is None or not host:
            return resolve(host, *args, **kwargs)
        name = host.decode() if isinstance(host, bytes) else str(host)
        try:
            found = resolve(host, *args, **kwargs)
        except socket.gaierror:
            reading: OutboundReading | None = attempt.reading("outbound")
            if reading is not None and is_users(sys._getframe(1)):
                port = str(args[0] if args else kwargs.get("port"))
                reading.connected(name, int(port) if port.isdecimal() else None, made=False)
            raise
        attempt.hosts.update({address[4][0]: name for address in found})
        return found

    return resolve_noted


def _peer(address: Any, attempt: RunningAttempt) -> tuple[str, int | None]:
    """Name what a socket connects to as the user knows it: by the name that was looked up."""
    match address:
        case (str() as host, int() as port, *_):
            return attempt.hosts.get(host, host), port
        case bytes():
            return os.fsdecode(address), None
        case _:
            return str(address), None


def _label(host: str, port: int | None) -> str:
    """Return what is the same in each run."""
    if port is None:
        return stable(host)
    return f"{host}:*" if host in _LOCAL and port >= FIRST_EPHEMERAL_PORT else f"{host}:{port}"


@lru_cache(maxsize=4096)
def _is_infrastructure(path: str) -> bool:
    parts = tuple(callsite.installed_path(path))
    return any(parts[: len(package)] == package for package in _INFRASTRUCTURE)
