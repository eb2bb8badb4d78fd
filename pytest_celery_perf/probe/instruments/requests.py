"""The HTTP requests of an execution, where its client is one of those that most Python programs use.

Those are http.client, by which requests and urllib3 send theirs, httpx and aiohttp.
"""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Awaitable, Callable
from http.client import HTTPConnection
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from pytest_celery_perf.probe import connections, context, imports, patch
from pytest_celery_perf.probe.callsite import innermost
from pytest_celery_perf.probe.pools import ALL
from pytest_celery_perf.probe.readings import Place, Requested
from pytest_celery_perf.probe.touch import stable

if TYPE_CHECKING:
    from types import FrameType

    from pytest_celery_perf.probe.attempt import RunningAttempt

POOLS = ALL
MOST_PATHS = 500
"""How many different requests of one execution are told apart: a path may be made of what it stands for."""

_DEFAULT_PORTS = {"http": 80, "https": 443}


def begin(_: RunningAttempt) -> RequestsReading:
    """See `Instrument.begin`."""
    patch.wrap(HTTPConnection, "putrequest", _putting)
    patch.wrap(HTTPConnection, "getresponse", _answering)
    imports.once_imported("httpx", _watch_httpx)
    imports.once_imported("aiohttp", _watch_aiohttp)
    return RequestsReading()


_Asked = tuple[str, int, str, str, Place]
"""Host, port, method, path and line of a request."""


class RequestsReading:
    """The HTTP requests of one execution."""

    def __init__(self) -> None:
        self._requests: defaultdict[tuple[_Asked, int | None], int] = defaultdict(int)

    def ask(self, asked: _Asked) -> None:
        """Count a request."""
        self._requests[self._kept(asked), None] += 1

    def answer(self, asked: _Asked, status: int) -> None:
        """Note that a request was answered."""
        kept = self._kept(asked)
        self._requests[kept, None] -= 1
        self._requests[kept, status] += 1

    def _kept(self, asked: _Asked) -> _Asked:
        """Return as what a request is counted: its host and port in any case, which a marker bounds."""
        if (asked, None) in self._requests or len(self._requests) < MOST_PATHS:
            return asked
        host, port, method, _, _ = asked
        return host, port, method, f"… one of more than {MOST_PATHS} different paths", None

    def end(self) -> list[Requested]:
        """See `Reading.end`."""
        return [
            Requested(host, port, method, path, status, times, where)
            for ((host, port, method, path, where), status), times in [*self._requests.items()]
            if times
        ]


_OPEN = "_celery_perf_asked"
"""Where a connection keeps what was asked last, and who counts it, while there is no response."""


def _reading(frame: FrameType) -> RequestsReading | None:
    """Return what counts the requests of the calling code."""
    attempt = context.current()
    reading: RequestsReading | None = None if attempt is None else attempt.reading("requests")
    return reading if reading is not None and connections.is_users(frame) else None


def _asked(method: str, url: str, host: str, port: int, frame: FrameType) -> _Asked:
    """Describe a request; what the URL does not tell is that of the connection."""
    path = str(url).partition("?")[0]
    try:
        if "://" in path:
            parts = urlsplit(path)
            host, port = parts.hostname or host, parts.port or _DEFAULT_PORTS.get(parts.scheme, port)
            path = parts.path
    except ValueError:  # no URL: the client shall say so
        pass
    return host, port, str(method).upper(), stable(path or "/"), innermost(frame)


def _putting(put: Callable[..., Any]) -> Callable[..., Any]:
    def put_noted(connection: Any, method: str, url: str, *args: Any, **kwargs: Any) -> Any:
        frame = sys._getframe(1)
        reading = _reading(frame)
        if reading is not None:
            # Through a proxy's tunnel: the one at its end.
            host, port = connection._tunnel_host or connection.host, connection._tunnel_port or connection.port
            asked = _asked(method, url, host, port, frame)
            reading.ask(asked)
            setattr(connection, _OPEN, (reading, asked))
        return put(connection, method, url, *args, **kwargs)

    return put_noted


def _answering(get: Callable[..., Any]) -> Callable[..., Any]:
    def get_noted(connection: HTTPConnection, *args: Any, **kwargs: Any) -> Any:
        response = get(connection, *args, **kwargs)
        # A dict's own `pop` is no Python function, which `celery_cpu(calls=)` would count as the task's.
        reading, asked = vars(connection).pop(_OPEN, (None, None))
        if reading is not None:
            reading.answer(asked, response.status)
        return response

    return get_noted


def _watch_httpx() -> None:
    """See what httpx sends, each redirection apart.

    Source:
        ``httpx.BaseTransport``: a client's only way out.
    """
    httpx: Any = sys.modules["httpx"]
    patch.wrap(httpx.HTTPTransport, "handle_request", _handling)
    patch.wrap(httpx.AsyncHTTPTransport, "handle_async_request", _handling_async)


def _handling(handle: Callable[..., Any]) -> Callable[..., Any]:
    def handle_noted(transport: Any, request: Any) -> Any:
        note = _noting(str(request.method), str(request.url), sys._getframe(1))
        response = handle(transport, request)
        note(response.status_code)
        return response

    return handle_noted


def _handling_async(handle: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
    async def handle_noted(transport: Any, request: Any) -> Any:
        note = _noting(str(request.method), str(request.url), sys._getframe(1))
        response = await handle(transport, request)
        note(response.status_code)
        return response

    return handle_noted


def _watch_aiohttp() -> None:
    """See what aiohttp sends; a request that is redirected is one.

    Source:
        ``aiohttp.ClientSession._request``: what each of its methods awaits.
    """
    patch.wrap(sys.modules["aiohttp"].ClientSession, "_request", _requesting)


def _requesting(request: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
    async def request_noted(session: Any, method: str, url: Any, *args: Any, **kwargs: Any) -> Any:
        base = session._base_url
        note = _noting(method, str(url if base is None else base.join(type(base)(url))), sys._getframe(1))
        response = await request(session, method, url, *args, **kwargs)
        note(response.status)
        return response

    return request_noted


def _noting(method: str, url: str, frame: FrameType) -> Callable[[int], None]:
    """Count a request; what is returned takes its status."""
    reading = _reading(frame)
    if reading is None:
        return lambda _: None
    asked = _asked(method, url, "", 0, frame)
    reading.ask(asked)
    return lambda status: reading.answer(asked, status)
